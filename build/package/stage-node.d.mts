export default function stageNode(
  context: { arch: number; electronPlatformName: string },
  from?: string,
): Promise<string>

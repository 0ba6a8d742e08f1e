export type Point = [x: number, y: number]
export type Shape =
  | { kind: 'line'; points: Point[]; width: number }
  | { kind: 'area'; points: Point[] }
  | { kind: 'disc'; x: number; y: number; radius: number }
export interface Glyph {
  strength: number
  shapes: Shape[]
}
export const glyphs: Record<'fine' | 'attention' | 'working' | 'down' | 'off' | 'asks', Glyph>

export declare const leftToChaos: string[]

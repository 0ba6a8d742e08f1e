import type { Glyph } from './glyphs.mjs'
export function mask(glyph: Glyph, size: number, grid?: number, samples?: number): Uint8Array

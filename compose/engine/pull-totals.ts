import type { Layer, PullProgress } from './engine.ts'

// Unpacking is quicker than fetching: it is a fifth of a layer's way.
const downloadWeight = 0.8

/** How far several pulls are together. */
export interface PullTotals {
  /** 0 … 1; never goes back. */
  readonly fraction: number
  /** Bytes, of those layers whose size is known. */
  readonly downloaded: number
  readonly total: number
  /** Layers whose size is not known yet. */
  readonly waiting: number
}

/** One figure for several images; a layer that they share counts once. */
export function pullTotals(pulls: Iterable<PullProgress>, before = 0): PullTotals {
  const layers = new Map<string, Layer>()
  for (const pull of pulls) {
    for (const [id, layer] of Object.entries(pull.layers)) {
      // The engine tells the progress of a shared layer to one of them, and to the others that they wait.
      const other = layers.get(id)
      if (!other || done(layer) > done(other)) layers.set(id, layer)
    }
  }
  const all = [...layers.values()]
  return {
    fraction: Math.max(before, fractionOf(all)),
    downloaded: all.reduce((sum, { downloaded }) => sum + downloaded, 0),
    total: all.reduce((sum, { total }) => sum + total, 0),
    waiting: all.filter(({ total }) => total === 0).length,
  }
}

function done({ downloaded, extracted }: Layer): number {
  return downloadWeight * downloaded + (1 - downloadWeight) * extracted
}

/** 0 … 1. */
export function fractionOf(layers: readonly Layer[]): number {
  // A layer whose size is not known yet counts as much as the average of the others.
  const known = layers.filter(({ total }) => total > 0)
  const size = known.reduce((sum, { total }) => sum + total, 0)
  if (size === 0) return 0
  const finished = known.reduce((sum, layer) => sum + done(layer), 0)
  return Math.min(1, finished / ((size / known.length) * layers.length))
}

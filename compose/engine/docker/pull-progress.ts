import type { Layer, PullProgress } from '../engine.ts'

/** What an engine reports while it pulls, one of many messages. */
export interface PullMessage {
  readonly id?: string
  readonly status?: string
  readonly progressDetail?: { readonly current?: number; readonly total?: number; readonly units?: string }
}

/** Before the first message. */
export const pullStarted: PullProgress = { fraction: 0, layers: {} }

// Unpacking is quicker than fetching: it is a fifth of a layer's way.
const downloadWeight = 0.8

/** What a message makes of a layer; statuses that are not here change nothing. */
const steps: Readonly<Record<string, (layer: Layer, detail: NonNullable<PullMessage['progressDetail']>) => Layer>> = {
  'Pulling fs layer': (layer) => layer,
  Downloading: (layer, { current = 0, total = layer.total }) => ({ ...layer, total, downloaded: current }),
  'Download complete': (layer) => ({ ...layer, downloaded: layer.total }),
  // The containerd store counts seconds here: that says nothing about how far it is.
  Extracting: (layer, { current = 0, total = layer.total, units }) =>
    units === 's' ? layer : { ...layer, total, downloaded: total, extracted: current },
  'Pull complete': (layer) => ({ ...layer, downloaded: layer.total, extracted: layer.total }),
}

/** How far a whole image is, from the messages so far. */
export function pullProgress(before: PullProgress, message: PullMessage): PullProgress {
  const step = steps[message.status ?? '']
  if (!step || message.id === undefined) return before
  const layer = before.layers[message.id] ?? { total: 0, downloaded: 0, extracted: 0 }
  const layers = { ...before.layers, [message.id]: step(layer, message.progressDetail ?? {}) }
  return { layers, fraction: Math.max(before.fraction, fractionOf(Object.values(layers))) }
}

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

function fractionOf(layers: readonly Layer[]): number {
  // A layer whose size is not known yet counts as much as the average of the others.
  const known = layers.filter(({ total }) => total > 0)
  const size = known.reduce((sum, { total }) => sum + total, 0)
  if (size === 0) return 0
  const finished = known.reduce((sum, layer) => sum + done(layer), 0)
  return Math.min(1, finished / ((size / known.length) * layers.length))
}

import type { Layer, PullProgress } from '../engine.ts'
import { fractionOf } from '../pull-totals.ts'

/** What an engine reports while it pulls, one of many messages. */
export interface PullMessage {
  readonly id?: string
  readonly status?: string
  readonly progressDetail?: { readonly current?: number; readonly total?: number; readonly units?: string }
}

/** Before the first message. */
export const pullStarted: PullProgress = { fraction: 0, layers: {} }

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

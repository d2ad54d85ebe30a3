import { parseArgs } from 'node:util'
import { messageOf } from '../../../src/errors.ts'
import { install } from './apt.ts'
import { buildx, compose, registry } from './compose.ts'
import { docker } from './docker.ts'
import { images } from './images.ts'
import { oldestNode } from './oldest-node.ts'
import type { Inventory, Obtained, Part, PartName, Reach } from './part.ts'
import { postgresql } from './postgresql.ts'
import { python } from './python.ts'
import { rabbitmq } from './rabbitmq.ts'
import { redis } from './redis.ts'
import { chromium, ss, systemd, tmux } from './tools.ts'

/** Every part there is. */
const parts: { readonly [Name in PartName]: Part<Name> } = {
  docker,
  images,
  rabbitmq,
  redis,
  postgresql,
  python,
  compose,
  buildx,
  registry,
  tmux,
  ss,
  chromium,
  systemd,
  oldestNode,
}

export const partNames = Object.keys(parts) as readonly PartName[]

export interface Provision {
  readonly inventory: Inventory
  /** Stops what was started here, and nothing else. */
  stop(): Promise<void>
}

/**
 * Comes by the parts, all at once: what runs is used, what is installed is started, the rest is installed where that
 * is possible. Never throws: a part that cannot be had is `missing`, with the reason.
 */
export async function provision(names: readonly PartName[], say: (line: string) => void): Promise<Provision> {
  const obtained = new Map<PartName, Promise<Obtained>>()
  const stops: (() => Promise<void>)[] = []

  function obtain<Name extends PartName>(name: Name): Promise<Obtained<Name>> {
    const promise = (obtained.get(name) as Promise<Obtained<Name>> | undefined) ?? comeBy(name)
    obtained.set(name, promise)
    return promise
  }

  const reach: Reach = async (name) => {
    const part = await obtain(name)
    if (part.state === 'missing') throw new Error(`needs ${name}: ${part.reason}`)
    return part.endpoint
  }

  async function comeBy<Name extends PartName>(name: Name): Promise<Obtained<Name>> {
    const startedAt = performance.now()
    try {
      const onInstall = () => say(`${name}: installing ${parts[name].packages.join(', ')}`)
      const { state, version, endpoint, stop } = await findOrStart(parts[name], reach, onInstall)
      if (stop) stops.push(stop)
      if (state !== 'found') say(`${name}: ${state}, ${version} (${seconds(performance.now() - startedAt)})`)
      return { state, version, endpoint }
    } catch (error) {
      say(`${name}: missing: ${messageOf(error)}`)
      return { state: 'missing', reason: messageOf(error) }
    }
  }

  const entries = await Promise.all(names.map(async (name) => [name, await obtain(name)]))
  return {
    inventory: Object.fromEntries(entries),
    stop: async () => void (await Promise.allSettled(stops.map((stop) => stop()))),
  }
}

async function findOrStart<Name extends PartName>(part: Part<Name>, reach: Reach, onInstall: () => void) {
  const found = await part.find(reach)
  if (found) return { state: 'found' as const, ...found }
  const state = (await part.isInstalled?.()) ? 'started' : 'installed'
  if (state === 'installed') {
    onInstall()
    await install(part.packages)
  }
  // A package may have brought a running server.
  const started = (await part.find(reach)) ?? (await part.start?.(reach))
  if (!started) throw new Error('installed, but it does not work')
  return { state, ...started } as const
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

/** `node test/support/provision/index.ts [--only redis,docker] [--hold]`: a table of the parts. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, hold: { type: 'boolean', default: false } } })
  const unknown = (values.only?.split(',') ?? []).filter((name) => !(name in parts))
  if (unknown.length) throw new Error(`no such part: ${unknown.join(', ')}; there are ${partNames.join(', ')}`)
  const names = partNames.filter((name) => !values.only || values.only.split(',').includes(name))
  const { inventory, stop } = await provision(names, (line) => console.error(line))
  for (const name of names) console.log(row(name, inventory[name]))
  if (values.hold) {
    console.error('holding; Ctrl-C stops what was started here')
    await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve))
  }
  await stop()
}

function row(name: PartName, part: Obtained | undefined): string {
  if (!part || part.state === 'missing') return `${name.padEnd(11)}missing    ${part?.reason ?? ''}`
  return `${name.padEnd(11)}${part.state.padEnd(11)}${part.version.padEnd(26)}${Object.values(part.endpoint).join('  ')}`
}

if (import.meta.main) await main()

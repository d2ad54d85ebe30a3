import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { ChosenPort, HeldPort } from '../engine/engine.ts'
import { StackError } from '../errors.ts'
import type { PortConfig, Service } from '../file/model.ts'
import { stateFiles, writeWhole } from '../state-directory.ts'

/** A port of a container that is about to be made. */
export interface Wish {
  readonly service: string
  readonly container: string
  readonly config: PortConfig
}

/** The port that was chosen for a wish. */
export interface Choice extends ChosenPort {
  readonly wish: Wish
  /** The port the file asks for, when another was chosen. */
  readonly movedFrom: number | undefined
}

/** What decides which port is taken. */
export interface PortRules {
  /** Published by containers that stay. */
  readonly held: readonly HeldPort[]
  /** Published by containers that are about to make room: busy now, free then. */
  readonly leaving: readonly HeldPort[]
  /** Chosen in earlier runs, by `wishKey`. */
  readonly sticky: Readonly<Record<string, number>>
  /** Whether a program on the host could listen there. */
  readonly isFree: (port: number, host: string, protocol: string) => Promise<boolean>
  /** A free port, whichever. */
  readonly anyFree: () => Promise<number | undefined>
  /** Ports that the engine refused after all. */
  readonly refused: ReadonlySet<number>
}

/** Chooses a host port for every wish: the one remembered, else the one asked for, else the next that is free. */
export async function choosePorts(wishes: readonly Wish[], rules: PortRules): Promise<readonly Choice[]> {
  const choices: Choice[] = []
  for (const wish of wishes) choices.push(await choosePort(wish, choices, rules))
  return choices
}

// Beyond this many busy neighbours something else is wrong.
const furthest = 1000
// A port that is free on one address may be taken on another, or wished for by somebody before.
const anyAttempts = 20

async function choosePort(wish: Wish, before: readonly Choice[], rules: PortRules): Promise<Choice> {
  const { target, protocol, host_ip: host = '' } = wish.config
  const chosen = (port: number | undefined, movedFrom?: number): Choice => ({
    wish,
    host,
    port,
    target,
    protocol,
    movedFrom,
  })
  const remembered = rules.sticky[wishKey(wish)]
  const [first, last] = wantedRange(wish.config)
  const isOpen = (port: number) => isAvailable(port, host, protocol, before, rules)
  if (first === undefined || last === undefined) {
    const candidates = [remembered, ...Array.from({ length: anyAttempts }, () => undefined)]
    for (const candidate of candidates) {
      const port = candidate ?? (await rules.anyFree())
      if (port === undefined || (await isOpen(port))) return chosen(port)
    }
    return chosen(undefined)
  }
  const isWanted = (port: number) => port >= first && port <= last
  const neighbours = Array.from({ length: last - first + 1 + furthest }, (_, index) => first + index)
  for (const port of remembered === undefined ? neighbours : [remembered, ...neighbours]) {
    if (port <= 65535 && (await isOpen(port))) return chosen(port, isWanted(port) ? undefined : first)
  }
  throw new StackError('PORT_BUSY', `no free port from ${first} on for ${wish.container}`)
}

/** First and last of the ports the file asks for; nothing when any will do. */
function wantedRange({ published }: PortConfig): [number, number] | [] {
  const [first, last = first] = (published ?? '').split('-').map(Number)
  return first && last ? [first, last] : []
}

async function isAvailable(
  port: number,
  host: string,
  protocol: string,
  before: readonly Choice[],
  rules: PortRules,
): Promise<boolean> {
  const collides = (other: { port: number | undefined; host: string; protocol: string }) =>
    other.port === port && other.protocol === protocol && hostsOverlap(other.host, host)
  if (rules.refused.has(port) || before.some(collides) || rules.held.some(collides)) return false
  return rules.leaving.some(collides) || rules.isFree(port, host, protocol)
}

function hostsOverlap(a: string, b: string): boolean {
  return a === b || isEverywhere(a) || isEverywhere(b)
}

function isEverywhere(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::'
}

/** The container that has a port. */
export function holdingContainer(
  port: number,
  choice: ChosenPort,
  held: readonly (ChosenPort & { readonly container: string })[],
): string | undefined {
  return held.find(
    (other) => other.port === port && other.protocol === choice.protocol && hostsOverlap(other.host, choice.host),
  )?.container
}

/** The ports a container of a service wants. */
export function wishesOf(service: Service, container: string): readonly Wish[] {
  return (service.config.ports ?? []).map((config) => ({ service: service.name, container, config }))
}

/** Under which a choice is remembered: a changed wish is a new one. */
export function wishKey({ container, config }: Wish): string {
  return `${container} ${config.host_ip ?? ''}:${config.published ?? ''}:${config.target}/${config.protocol}`
}

/** What is worth remembering: ports that differ from the file, and those the file leaves open. */
export function rememberedPorts(
  sticky: Readonly<Record<string, number>>,
  choices: readonly Choice[],
): Readonly<Record<string, number>> {
  const result = { ...sticky }
  for (const { wish, port, movedFrom } of choices) {
    const key = wishKey(wish)
    if (port !== undefined && (movedFrom !== undefined || wantedRange(wish.config).length === 0)) result[key] = port
    else delete result[key]
  }
  return result
}

/** The ports chosen in earlier runs. */
export function readPorts(directory: string): Readonly<Record<string, number>> {
  try {
    return JSON.parse(readFileSync(stateFiles.ports(directory), 'utf8'))
  } catch {
    // None yet, or spoilt: choosing anew does no harm.
    return {}
  }
}

/** Remembers ports for later runs. */
export function writePorts(directory: string, ports: Readonly<Record<string, number>>): void {
  writeWhole(stateFiles.ports(directory), `${JSON.stringify(ports, null, 2)}\n`)
}

/** Tries to listen, as the engine will: everywhere means both families of addresses. */
export async function canListen(port: number, host: string, protocol: string): Promise<boolean> {
  const addresses = isEverywhere(host) ? ['0.0.0.0', '::'] : [host]
  const listen = { tcp: listenTcp, udp: listenUdp }[protocol]
  const answers = await Promise.all(addresses.map((address) => listen?.(port, address)))
  // Whoever may not open a low port, or has no such address, cannot tell whether it is free; the engine can.
  return !answers.includes('EADDRINUSE')
}

/** The code of what went wrong, if anything did. */
type Refusal = string | undefined

function listenTcp(port: number, host: string): Promise<Refusal> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
    server.listen({ port, host, exclusive: true, ipv6Only: true }, () => server.close(() => resolve(undefined)))
  })
}

function listenUdp(port: number, address: string): Promise<Refusal> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', ipv6Only: address.includes(':') })
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      socket.close()
      resolve(code)
    })
    socket.bind({ port, address, exclusive: true }, () => socket.close(() => resolve(undefined)))
  })
}

/** A port of 127.0.0.1 that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ port: 0, host: '127.0.0.1' }, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

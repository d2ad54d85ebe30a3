import { randomBytes } from 'node:crypto'
import { Channel } from '../../channel.ts'
import { StackError } from '../../errors.ts'
import { stateFiles } from '../../state-directory.ts'
import { reachable, rewriteAddresses } from '../address.ts'
import type { ContainerState, EngineEvent } from '../engine.ts'
import { Process } from './process.ts'
import { ProcessLog } from './process-log.ts'
import type { ProcessSpec } from './process-spec.ts'

/** Variables that a process takes over from this machine; everything else comes from the compose file. */
const inheritedVariables = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'TEMP',
  'TMP',
  'SystemRoot',
  'windir',
  'ComSpec',
  'PATHEXT',
  'APPDATA',
  'LOCALAPPDATA',
  'USERPROFILE',
]

/** The mark of an engine on its processes, by which they are known when it is gone. */
export const engineVariable = 'CELERY_SANDBOX_ENGINE'

/** As many as Docker remembers. */
const rememberedEvents = 256

/** The processes of one project, as if they were containers. */
export class Processes {
  readonly #directory: string
  readonly #engineId: string
  readonly #all = new Map<string, Process>()
  readonly #listeners = new Set<Channel<EngineEvent>>()
  readonly #past: EngineEvent[] = []
  /** By service, so that a broker that is made anew keeps its password. */
  readonly #passwords = new Map<string, string>()

  constructor(directory: string, engineId: string) {
    this.#directory = directory
    this.#engineId = engineId
  }

  list(): readonly ContainerState[] {
    return [...this.#all.values()].map((process) => process.state())
  }

  /** By id or name. */
  find(container: string): Process | undefined {
    return this.#all.get(container) ?? [...this.#all.values()].find(({ name }) => name === container)
  }

  create(spec: ProcessSpec): string {
    if (this.find(spec.name)) throw new StackError('NAME_IN_USE', `the name ${spec.name} is already in use`)
    const process = new Process(spec, {
      log: new ProcessLog(stateFiles.log(this.#directory, spec.name)),
      emit: (event) => this.#emit(event),
      environment: () => this.#environmentOf(spec),
      url: spec.broker && `redis://:${this.#passwordOf(spec.service)}@${spec.broker.host}:${spec.broker.port}`,
    })
    this.#all.set(process.id, process)
    this.#emit(process.event('create'))
    return process.id
  }

  async remove(container: string): Promise<void> {
    const process = this.find(container)
    if (!process) return
    await process.stop(0)
    this.#all.delete(process.id)
    this.#emit(process.event('destroy'))
  }

  /** What happens from now on, or since a time: of what is past, the last few hundred. */
  events(since?: string): Channel<EngineEvent> {
    const channel = new Channel<EngineEvent>()
    for (const event of this.#past) if (since !== undefined && event.time >= since) void channel.push(event)
    this.#listeners.add(channel)
    return channel
  }

  forget(channel: Channel<EngineEvent>): void {
    this.#listeners.delete(channel)
    channel.close()
  }

  /** Brokers last: what runs may still have something to say. */
  async stopAll(): Promise<void> {
    const all = [...this.#all.values()]
    await Promise.all(all.filter(({ isBroker }) => !isBroker).map((process) => process.stop()))
    await Promise.all(all.map((process) => process.stop()))
  }

  #emit(event: EngineEvent): void {
    this.#past.push(event)
    if (this.#past.length > rememberedEvents) this.#past.shift()
    for (const listener of this.#listeners) void listener.push(event)
  }

  #environmentOf({ environment, hostname, broker, service }: ProcessSpec): NodeJS.ProcessEnv {
    const inherited = inheritedVariables.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    })
    return {
      ...Object.fromEntries(inherited),
      // Node names of workers differ by it.
      HOSTNAME: hostname,
      ...rewriteAddresses(environment, reachable(this.list()), '127.0.0.1'),
      ...(broker && { CELERY_SANDBOX_BROKER_PASSWORD: this.#passwordOf(service) }),
      [engineVariable]: this.#engineId,
    }
  }

  #passwordOf(service: string): string {
    const password = this.#passwords.get(service) ?? randomBytes(18).toString('base64url')
    this.#passwords.set(service, password)
    return password
  }
}

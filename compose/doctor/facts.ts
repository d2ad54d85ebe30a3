import type { EngineInfo } from '../engine/docker/info.ts'

/** What the doctor knows: plain data, gathered first and judged after. */
export interface Facts {
  readonly machine: MachineFacts
  /** Where an engine was looked for, in the order of the docker CLI. */
  readonly endpoints: readonly EndpointFacts[]
  /** Of the engine that is used. */
  readonly engine: EngineFacts | undefined
  readonly compose: PluginFacts | undefined
  readonly buildx: PluginFacts | undefined
  /** Undefined outside of a project. */
  readonly project: ProjectFacts | undefined
  /** What keeps a project from being found: a file that cannot be read, a name that cannot be. */
  readonly projectTrouble: Trouble | undefined
}

/** A failure in the words of its error. */
export interface Trouble {
  readonly code: string
  readonly message: string
  readonly next: string
  readonly details: readonly string[]
}

export interface MachineFacts {
  readonly node: string
  /** `linux x64 6.18.44` */
  readonly system: string
  readonly isWsl: boolean
  readonly cpus: number
  readonly memoryBytes: number
  readonly freeMemoryBytes: number
}

export interface EndpointFacts {
  /** `DOCKER_HOST`, `DOCKER_CONTEXT`, `config.json`, `default`, `a known socket` */
  readonly by: string
  /** Undefined when nothing is set there. */
  readonly url: string | undefined
  readonly answer: { readonly apiVersion: string } | undefined
  readonly trouble: Trouble | undefined
  readonly isUsed: boolean
}

export interface EngineFacts extends EngineInfo {
  /** Where its images and volumes are, if that is a disk of this machine. */
  readonly freeDiskBytes: number | undefined
}

export interface PluginFacts {
  readonly path: string
  /** Undefined when it does not run. */
  readonly version: string | undefined
}

export interface ProjectFacts {
  readonly name: string
  readonly directory: string
  readonly files: readonly string[]
  /** What is wrong with the files. */
  readonly trouble: Trouble | undefined
  readonly warnings: readonly string[]
  /** How many services it has; undefined when the files are wrong. */
  readonly services: number | undefined
  readonly stateDirectory: { readonly path: string; readonly isWritable: boolean }
  readonly lock: { readonly state: 'free' | 'held' | 'left over'; readonly holder: string }
  readonly stack: StackFacts | undefined
  readonly ports: readonly PortFacts[]
  readonly images: readonly ImageFacts[]
  readonly addresses: readonly AddressFacts[]
}

export interface StackFacts {
  readonly engine: 'docker' | 'embedded'
  readonly running: number
  readonly unhealthy: readonly string[]
  /** Those that do not run, with their state. */
  readonly stopped: readonly string[]
}

/** A port that the file asks for. */
export interface PortFacts {
  readonly service: string
  readonly port: number
  /** Who has it, if it is not this project: `container shop-redis-1`, `redis-server, pid 812`. */
  readonly holder: string | undefined
}

export interface ImageFacts {
  readonly image: string
  readonly isThere: boolean
  readonly isBuilt: boolean
}

/** An address that the workers have, as it is reached from here. */
export interface AddressFacts {
  readonly variable: string
  /** Without credentials. */
  readonly address: string
  /** Undefined when it can be reached. */
  readonly problem: string | undefined
}

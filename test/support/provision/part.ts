/** How tests reach each part: plain data, because it travels to the processes that run them. */
export interface Endpoints {
  redis: { url: string; databases: number }
  /** Both carry the same administrator; `guest:guest` may enter as well. */
  rabbitmq: { url: string; managementUrl: string }
  /** With the name and the password of one who may make databases. */
  postgresql: { url: string }
  /** An interpreter that imports celery with redis, sqlalchemy and psycopg2. */
  python: { path: string }
  docker: { host: string }
  /** The variables through which a compose file takes the stand-ins for official images. */
  images: { REDIS_IMAGE: string; RABBITMQ_IMAGE: string; NODE_IMAGE: string; PYTHON_CELERY_IMAGE: string }
  /** Two releases of Docker's own Compose, as programs of their own, to compare with. */
  compose: { current: string; older: string }
  /** Docker's plugin that builds with BuildKit. */
  buildx: { path: string }
  /** A registry of images, for tests to start. */
  registry: { path: string }
  tmux: { path: string }
  chromium: { path: string }
  /** Tells who holds a port. */
  ss: { path: string }
  /** Judges units. */
  systemd: { path: string }
  /** The oldest Node that package.json admits. */
  oldestNode: { path: string }
}

export type PartName = keyof Endpoints

/** A real thing that tests need, and the ways to come by it, cheapest first. */
export interface Part<Name extends PartName> {
  /** The part as it is: a server that runs, a tool that needs no start. */
  find(reach: Reach): Promise<Found<Name> | undefined>
  /** Whether `start` has all it needs. */
  isInstalled?(): Promise<boolean>
  start?(reach: Reach): Promise<Found<Name>>
  /** The Debian packages that bring it. */
  readonly packages: readonly string[]
}

export interface Found<Name extends PartName> {
  readonly endpoint: Endpoints[Name]
  readonly version: string
  /** Given by those who started something: leaves nothing of it. */
  stop?(): Promise<void>
}

/** Gives the endpoint of another part; throws when that one is missing. */
export type Reach = <Name extends PartName>(name: Name) => Promise<Endpoints[Name]>

export type Obtained<Name extends PartName = PartName> =
  | { readonly state: 'found' | 'started' | 'installed'; readonly version: string; readonly endpoint: Endpoints[Name] }
  | { readonly state: 'missing'; readonly reason: string }

/** What there is of the parts that were asked for. */
export type Inventory = { readonly [Name in PartName]?: Obtained<Name> }

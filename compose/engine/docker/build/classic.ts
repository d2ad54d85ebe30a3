import { PassThrough, type Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { stripVTControlCharacters } from 'node:util'
import { Channel } from '../../../channel.ts'
import { StackError } from '../../../errors.ts'
import type { BuildConfig } from '../../../file/model.ts'
import type { BuildProgress, BuildSpec } from '../../build.ts'
import { readJsonLines } from '../../ndjson.ts'
import type { Api } from '../api.ts'
import { type Credentials, credentialsHeader } from '../credentials.ts'
import { type BuildContext, buildContext, isRemoteContext } from './context.ts'
import { baseImages } from './dockerfile.ts'
import { BuildStory } from './failure.ts'

/** Who may be asked for the credentials of an image's registry. */
export type Keyring = (reference: string) => Promise<Credentials | undefined>

/**
 * Builds with the builder that every engine has: `POST /build`, version 1.
 *
 * @throws {StackError} BUILD_FAILED, BUILD_UNSUPPORTED
 */
export async function* buildClassic(
  api: Api,
  spec: BuildSpec,
  keyring: Keyring,
  signal: AbortSignal,
): AsyncGenerator<BuildProgress, void, undefined> {
  refuseWhatNeedsBuildKit(spec)
  const context = isRemoteContext(spec.config) ? undefined : await buildContext(spec.config)
  const story = new BuildStory(spec, context?.dockerfileText ?? '')
  const leaving = new AbortController()
  const progress = new Channel<BuildProgress>()
  const report = (next: BuildProgress) => {
    story.heard(next)
    void progress.push(next)
  }
  const work = send(api, spec, context, keyring, AbortSignal.any([signal, leaving.signal]), report).then(
    () => progress.close(),
    (thrown: unknown) => progress.close(signal.aborted ? signal.reason : story.failed(thrown)),
  )
  try {
    yield* progress
  } finally {
    leaving.abort()
    await work
  }
}

/** What only BuildKit can do, by its key. */
const needsBuildKit: readonly (keyof BuildConfig)[] = [
  'secrets',
  'ssh',
  'additional_contexts',
  'entitlements',
  'privileged',
  'no_cache_filter',
  'cache_to',
]

function refuseWhatNeedsBuildKit({ images, config, platform }: BuildSpec): void {
  const key = needsBuildKit.find((name) => config[name] !== undefined)
  const isForMany = (config.platforms?.length ?? 0) > 1
  if (key === undefined && !isForMany) return
  const named = key === undefined ? `build.platforms (${config.platforms?.join(', ') ?? platform})` : `build.${key}`
  throw new StackError('BUILD_UNSUPPORTED', `cannot build ${images[0]}: ${named} needs BuildKit`)
}

async function send(
  api: Api,
  spec: BuildSpec,
  context: BuildContext | undefined,
  keyring: Keyring,
  signal: AbortSignal,
  report: (progress: BuildProgress) => void,
): Promise<void> {
  const bases = context ? baseImages(context.dockerfileText, spec.config.args) : []
  const logins = await Promise.all(bases.map(keyring))
  const body = context && counted(context, report)
  try {
    const headers = { 'X-Registry-Config': credentialsHeader(byRegistry(logins)) }
    const answer = await api.post('/build?', buildQuery(spec, context), { body, headers, signal })
    await read(answer, report)
  } finally {
    body?.destroy()
  }
}

function byRegistry(logins: readonly (Credentials | undefined)[]): object {
  return Object.fromEntries(logins.flatMap((login) => (login ? [[login.serveraddress, login]] : [])))
}

/** The tar, telling how far it was read. */
function counted(context: BuildContext, report: (progress: BuildProgress) => void): Readable {
  const tar = context.tar()
  const through = new PassThrough()
  let sent = 0
  let told = 0
  through.on('close', () => tar.destroy())
  tar.on('error', (error) => through.destroy(error))
  tar.on('data', (chunk: Buffer) => {
    sent += chunk.length
    // A small context is sent before anybody could read how far it is.
    if (sent - told < reportEveryBytes) return
    told = sent
    report({ kind: 'context', sent: Math.min(sent, context.bytes), bytes: context.bytes })
  })
  return tar.pipe(through)
}

const reportEveryBytes = 4 * 1024 * 1024

/** The parameters of `POST /build`. */
export function buildQuery({ images, config, labels, platform }: BuildSpec, context?: BuildContext): object {
  const query = {
    version: 1,
    rm: true,
    forcerm: true,
    t: [...images, ...(config.tags ?? [])],
    remote: context ? undefined : config.context,
    dockerfile: context?.dockerfile ?? config.dockerfile,
    buildargs: config.args,
    labels: { ...config.labels, ...labels },
    target: config.target,
    nocache: config.no_cache,
    pull: config.pull,
    networkmode: config.network,
    extrahosts: config.extra_hosts?.map((host) => host.replace('=', ':')),
    shmsize: config.shm_size,
    cachefrom: config.cache_from && JSON.stringify(config.cache_from),
    ulimits: config.ulimits && JSON.stringify(Object.entries(config.ulimits).map(ulimit)),
    platform: config.platforms?.[0] ?? platform,
    isolation: config.isolation,
  }
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined))
}

function ulimit([Name, limit]: [string, number | { soft?: number; hard?: number }]): object {
  return typeof limit === 'number'
    ? { Name, Soft: limit, Hard: limit }
    : { Name, Soft: limit.soft ?? 0, Hard: limit.hard ?? 0 }
}

async function read(answer: Readable, report: (progress: BuildProgress) => void): Promise<void> {
  const lines = new Lines((line) => {
    const step = /^Step (\d+)\/(\d+) : (.*)$/s.exec(line)
    if (step) report({ kind: 'step', step: Number(step[1]), of: Number(step[2]), instruction: step[3] ?? '' })
    else if (!isOfTheBuilder.test(line)) report({ kind: 'output', text: line })
  })
  for await (const message of readJsonLines(answer)) {
    const { stream, error } = message as { stream?: string; error?: string }
    if (error !== undefined) {
      lines.end()
      throw new Error(error)
    }
    if (stream !== undefined) lines.push(stream)
  }
  lines.end()
}

/** What the builder says itself about the layers it makes. */
const isOfTheBuilder = /^( ---> |Removing intermediate container |Successfully (built|tagged) |$)/

/** Whole lines of text that comes in pieces; what a build writes on standard error comes coloured. */
export class Lines {
  readonly #decoder = new StringDecoder('utf8')
  readonly #onLine: (line: string) => void
  #rest = ''

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  push(chunk: string | Buffer): void {
    const parts = (this.#rest + (typeof chunk === 'string' ? chunk : this.#decoder.write(chunk))).split('\n')
    this.#rest = parts.pop() ?? ''
    for (const part of parts) this.#tell(part)
  }

  end(): void {
    if (this.#rest !== '') this.#tell(this.#rest)
    this.#rest = ''
  }

  #tell(line: string): void {
    // A bar that redraws itself is the line it last was.
    this.#onLine(stripVTControlCharacters(line).replace(/\r+$/, '').split('\r').at(-1) ?? '')
  }
}

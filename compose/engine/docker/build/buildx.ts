import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import { Channel } from '../../../channel.ts'
import type { Environment } from '../../../file/discover.ts'
import type { BuildProgress, BuildSecret, BuildSpec } from '../../build.ts'
import type { Endpoint } from '../endpoint.ts'
import { findPlugin } from '../plugins.ts'
import { Lines } from './classic.ts'
import { buildContext, isRemoteContext } from './context.ts'
import { BuildStory } from './failure.ts'

/** The first release that tells its progress as JSON. */
const oldest = [0, 13] as const

/** The buildx plugin, if there is one that can be used, and DOCKER_BUILDKIT=0 does not forbid it. */
export async function findBuildx(env: Environment): Promise<string | undefined> {
  const plugin = env.DOCKER_BUILDKIT === '0' ? undefined : findPlugin('buildx', env)
  if (!plugin) return undefined
  const version = await buildxVersion(plugin)
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number)
  return major > oldest[0] || minor >= oldest[1] ? plugin : undefined
}

/** `0.29.1`; undefined when it does not run. */
export async function buildxVersion(plugin: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(plugin, ['version'], { timeout: 3000 })
    return /\bv?(\d+\.\d+\.\d+)/.exec(stdout)?.[1]
  } catch {
    return undefined
  }
}

/**
 * Builds with BuildKit, by the plugin that `docker build` itself runs.
 *
 * @throws {StackError} BUILD_FAILED
 */
export async function* buildWithBuildx(
  plugin: string,
  spec: BuildSpec,
  endpoint: Endpoint,
  env: Environment,
  signal: AbortSignal,
): AsyncGenerator<BuildProgress, void, undefined> {
  const context = isRemoteContext(spec.config) ? undefined : await buildContext(spec.config)
  const story = new BuildStory(spec, context?.dockerfileText ?? '')
  const progress = new Channel<BuildProgress>()
  const trace = new Trace((next) => {
    story.heard(next)
    void progress.push(next)
  })
  // What the plugin would choose by itself is the endpoint already, unless it was found by trying.
  const isFound = endpoint.source !== 'DOCKER_HOST' && !endpoint.source.startsWith('context ')
  const variables = {
    ...env,
    ...(isFound && { DOCKER_HOST: endpoint.url }),
    BUILDX_NO_DEFAULT_ATTESTATIONS: '1',
    ...secretVariables(spec),
  }
  const child = spawn(plugin, buildxArguments(spec), { env: variables, stdio: ['pipe', 'ignore', 'pipe'], signal })
  child.stdin.on('error', () => {})
  child.stdin.end(spec.config.dockerfile_inline ?? '')
  const lines = new Lines((line) => trace.heard(line))
  child.stderr.on('data', (chunk: Buffer) => lines.push(chunk))
  const ended = new Promise<void>((resolve) => {
    child.on('error', (error) => {
      progress.close(signal.aborted ? signal.reason : story.failed(error))
      resolve()
    })
    child.on('close', (code) => {
      lines.end()
      const { instruction, output, reason } = trace.failure
      if (code === 0) progress.close()
      else progress.close(signal.aborted ? signal.reason : story.failed(new Error(reason), instruction, output))
      resolve()
    })
  })
  try {
    yield* progress
  } finally {
    child.kill()
    await ended
  }
}

/** The command line of `docker-buildx`. */
export function buildxArguments({ images, config, labels, platform, secrets }: BuildSpec): readonly string[] {
  const each = (flag: string, values: readonly string[] = []) => values.flatMap((value) => [flag, value])
  const pairs = (of: Readonly<Record<string, string | null>> = {}) =>
    Object.entries(of).map(([key, value]) => `${key}=${value ?? ''}`)
  const one = (flag: string, value: string | undefined) => (value === undefined ? [] : [flag, value])
  const platforms = config.platforms ?? (platform ? [platform] : [])
  const file = config.dockerfile_inline ? '-' : dockerfilePath(config)
  return [
    ...['build', '--progress', 'rawjson', '--load'],
    ...each('--tag', [...images, ...(config.tags ?? [])]),
    ...one('--file', file),
    ...each('--build-arg', pairs(config.args)),
    ...each('--label', pairs({ ...config.labels, ...labels })),
    ...one('--target', config.target),
    ...(config.no_cache ? ['--no-cache'] : []),
    ...each('--no-cache-filter', config.no_cache_filter),
    ...(config.pull ? ['--pull'] : []),
    ...one('--network', config.network),
    ...each(
      '--add-host',
      config.extra_hosts?.map((host) => host.replace('=', ':')),
    ),
    ...one('--shm-size', config.shm_size),
    ...each('--ulimit', Object.entries(config.ulimits ?? {}).map(ulimit)),
    ...each('--cache-from', config.cache_from),
    ...each('--cache-to', config.cache_to),
    ...each('--platform', platforms.length > 0 ? [platforms.join(',')] : []),
    ...each('--ssh', config.ssh),
    ...each('--secret', secrets.map(secretArgument)),
    ...each('--build-context', pairs(config.additional_contexts)),
    ...each('--allow', [...(config.entitlements ?? []), ...(config.privileged ? ['security.insecure'] : [])]),
    '--',
    config.context ?? '.',
  ]
}

/** Texts go by the environment: a command line is everybody's to read. */
function secretArgument({ id, file }: BuildSecret, index: number): string {
  return file === undefined ? `id=${id},env=${secretVariable(index)}` : `id=${id},src=${file}`
}

function secretVariables({ secrets }: BuildSpec): Readonly<Record<string, string>> {
  const texts = secrets.flatMap(({ file, content = '' }, index) =>
    file === undefined ? [[secretVariable(index), content]] : [],
  )
  return Object.fromEntries(texts)
}

const secretVariable = (index: number) => `CELERY_SANDBOX_BUILD_SECRET_${index}`

function dockerfilePath({ context = '.', dockerfile = 'Dockerfile' }: BuildSpec['config']): string {
  return isRemoteContext({ context }) || dockerfile.startsWith('/') ? dockerfile : `${context}/${dockerfile}`
}

function ulimit([name, limit]: [string, number | { soft?: number; hard?: number }]): string {
  return typeof limit === 'number' ? `${name}=${limit}` : `${name}=${limit.soft ?? 0}:${limit.hard ?? 0}`
}

interface Vertex {
  readonly digest: string
  readonly name: string
  readonly started?: string
  readonly error?: string
}

/** Reads what buildx tells: which steps there are, what they write, and which of them fails. */
export class Trace {
  readonly #report: (progress: BuildProgress) => void
  readonly #begun = new Set<string>()
  readonly #output = new Map<string, string[]>()
  readonly #lines = new Map<string, Lines>()
  #failed: Vertex | undefined
  readonly #errors: string[] = []

  constructor(report: (progress: BuildProgress) => void) {
    this.#report = report
  }

  heard(line: string): void {
    if (!line.startsWith('{')) {
      if (/^ERROR: /.test(line)) this.#errors.push(line.replace(/^ERROR: (failed to build: )?(failed to solve: )?/, ''))
      return
    }
    const { vertexes = [], logs = [] } = JSON.parse(line) as {
      vertexes?: readonly Vertex[]
      logs?: readonly { vertex: string; data: string }[]
    }
    for (const vertex of vertexes) this.#vertex(vertex)
    for (const { vertex, data } of logs) this.#linesOf(vertex).push(Buffer.from(data, 'base64'))
  }

  get failure(): { instruction: string; output: readonly string[]; reason: string } {
    for (const lines of this.#lines.values()) lines.end()
    const { digest = '', name = '', error } = this.#failed ?? {}
    const reason = this.#errors.at(-1) ?? error ?? 'the builder ended without saying why'
    return { instruction: stepOf(name)?.instruction ?? '', output: this.#output.get(digest) ?? [], reason }
  }

  #vertex(vertex: Vertex): void {
    if (vertex.error) this.#failed ??= vertex
    const step = stepOf(vertex.name)
    if (!step || !vertex.started || this.#begun.has(vertex.digest)) return
    this.#begun.add(vertex.digest)
    this.#report({ kind: 'step', ...step })
  }

  #linesOf(vertex: string): Lines {
    const known = this.#lines.get(vertex)
    if (known) return known
    const written: string[] = []
    const lines = new Lines((text) => {
      written.push(text)
      this.#report({ kind: 'output', text })
    })
    this.#output.set(vertex, written)
    this.#lines.set(vertex, lines)
    return lines
  }
}

/** `[2/3] RUN npm ci`, `[build 2/3] RUN npm ci`; other steps are the builder's own. */
function stepOf(name: string): { step: number; of: number; instruction: string } | undefined {
  const [, step, of, instruction = ''] = /^\[(?:[^\]]* )?(\d+)\/(\d+)\] (.*)$/s.exec(name) ?? []
  return step && of ? { step: Number(step), of: Number(of), instruction } : undefined
}

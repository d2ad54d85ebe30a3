import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import type { Complain, Path } from './complaint.ts'
import type { FileObjectConfig, Model, MountConfig, Service, ServiceConfig } from './model.ts'
import { nearest } from './nearest.ts'

/** Understood, refused: running without it would be wrong. */
const refused: Partial<Readonly<Record<keyof ServiceConfig, string>>> = {
  provider: 'services of a provider plugin are not started here; run `docker compose up`',
  models: 'language models are not started here; run `docker compose up`',
  use_api_socket: 'no container gets the Docker socket from here; mount it yourself if you mean it',
  credential_spec: 'it exists on Windows only; remove it',
  isolation: 'it exists on Windows only; remove it',
  pre_start: 'hooks are not run here, and the service would start unprepared; make it a service that others depend on',
}

/** Understood, not carried out, and part of config-hash as any other key. */
const inert: Partial<Readonly<Record<keyof ServiceConfig, string>>> = {
  post_start: 'hooks are not run here',
  pre_stop: 'hooks are not run here',
  pull_refresh_after: 'images are pulled when they are missing',
}

/** What one key cannot tell: references, and keys that exclude each other. The words are Compose's own. */
export function check(model: Model, complain: Complain): void {
  for (const service of Object.values(model.services)) checkService(service, model, complain)
  checkNames(model, complain)
  checkCircles(model, complain)
  checkTiers(model, complain)
  checkFiles('secrets', model, complain)
  checkFiles('configs', model, complain)
}

/** A key that is not carried out is told once, at its first service. */
function checkTiers({ services }: Model, complain: Complain): void {
  const told = new Set<string>()
  for (const { name, config } of Object.values(services)) {
    for (const key of Object.keys(config) as (keyof ServiceConfig)[]) {
      const path = ['services', name, key]
      const refusal = refused[key]
      if (refusal) complain({ severity: 'unsupported', path, message: refusal, atKey: true })
      const note = inert[key]
      if (note && !told.has(key)) complain({ severity: 'warning', path, message: `is ignored: ${note}`, atKey: true })
      told.add(key)
    }
  }
}

/** Secrets and configs must come from somewhere, and from one place only. */
function checkFiles(section: 'secrets' | 'configs', model: Model, complain: Complain): void {
  const kinds =
    section === 'secrets' ? (['file', 'environment'] as const) : (['file', 'environment', 'content'] as const)
  const used = new Set(
    Object.values(model.services).flatMap(({ config }) =>
      [...(config[section] ?? []), ...(section === 'secrets' ? (config.build?.secrets ?? []) : [])].map(
        ({ source }) => source,
      ),
    ),
  )
  for (const [key, object] of Object.entries(model[section])) {
    const report = (severity: 'error' | 'unsupported' | 'warning', message: string, ...path: Path) =>
      complain({ severity, path: [section, key, ...path], message })
    const given = kinds.filter(
      (kind) => object[kind] !== undefined && !(kind === 'content' && object.environment !== undefined),
    )
    const isElsewhere = object.external || object.driver !== undefined || object.template_driver !== undefined
    if (given.length > 1) report('error', `${kinds.join('|')} attributes are mutually exclusive`)
    if (given.length === 0 && !isElsewhere) report('error', `one of ${kinds.join('|')} must be set`)
    if (!used.has(key)) continue
    if (isElsewhere) report('unsupported', `external ${section} and drivers exist in Swarm only; use \`file\``)
    for (const [severity, message, at] of contentProblems(object)) report(severity, message, at)
  }
}

function contentProblems(object: FileObjectConfig): readonly ['error' | 'warning', string, string][] {
  if (object.environment !== undefined && object.content === undefined) {
    return [['error', `environment variable "${object.environment}" is not set`, 'environment']]
  }
  return object.file !== undefined && !existsSync(object.file)
    ? [['error', `no such file: ${object.file}`, 'file']]
    : []
}

function checkService(service: Service, model: Model, complain: Complain): void {
  const { name, config, replicas } = service
  const report = (message: string, ...path: Path) =>
    complain({ severity: 'error', path: ['services', name, ...path], message })
  if (!config.image && !config.build && config.provider === undefined)
    report(`service "${name}" has neither an image nor a build context specified`)
  if (config.network_mode !== undefined && config.networks) {
    report('declares mutually exclusive `network_mode` and `networks`', 'network_mode')
  }
  for (const network of Object.keys(config.networks ?? {})) {
    if (!Object.hasOwn(model.networks, network)) report(`refers to undefined network ${network}`, 'networks', network)
  }
  for (const [dependency, { required }] of Object.entries(config.depends_on ?? {})) {
    if (Object.hasOwn(model.services, dependency) || (!required && model.disabled.includes(dependency))) continue
    const near = nearest(dependency, Object.keys(model.services))
    const hint = near ? `; did you mean "${near}"?` : ''
    report(`depends on undefined service "${dependency}"${hint}`, 'depends_on', dependency)
  }
  for (const [index, mount] of (config.volumes ?? []).entries()) {
    const problem = mountProblem(mount, model)
    if (problem) report(problem, 'volumes', index)
  }
  const targets = [
    ...(config.tmpfs ?? []).map((text) => text.split(':', 1)[0]),
    ...(config.volumes ?? []).map(({ target }) => target),
  ]
  const twice = targets.find((target, index) => targets.indexOf(target) !== index)
  if (twice) report(`target ${twice} is mounted twice`)
  if (replicas < 0) report('must be greater than or equal to 0', 'scale')
  checkBuild(service, model, report)
  checkReferences(service, model, report)
  for (const [index, { host_ip: ip }] of (config.ports ?? []).entries()) {
    if (ip !== undefined && !isIP(ip)) report(`invalid ip address: ${ip}`, 'ports', index)
  }
  for (const [index, { target, action }] of (config.develop?.watch ?? []).entries()) {
    if (target || action === 'rebuild' || action === 'restart') continue
    report('target is required for non-rebuild actions', 'develop', 'watch', index)
  }
  if (config.healthcheck?.start_interval !== undefined && config.healthcheck.start_period === undefined) {
    report('healthcheck.start_interval requires healthcheck.start_period to be set', 'healthcheck', 'start_interval')
  }
  if (config.container_name && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(config.container_name)) {
    report('a name has letters, digits, _, . and -, and begins with a letter or digit', 'container_name')
  }
  if (config.container_name && replicas > 1) {
    report("can't set container_name and scale as container name must be unique", 'container_name')
  }
  if (config.scale !== undefined && config.deploy?.replicas !== undefined && config.scale !== config.deploy.replicas) {
    report("can't set distinct values on 'scale' and 'deploy.replicas'", 'scale')
  }
  for (const [key, limit, other] of limitPairs(config)) {
    if (limit !== undefined && other !== undefined && limit !== other) {
      report(`can't set distinct values on '${key}' and 'deploy.resources'`, key)
    }
  }
}

type Report = (message: string, ...path: Path) => void

function checkBuild({ name, config: { build, platform } }: Service, model: Model, report: Report): void {
  if (!build) return
  if (build.dockerfile !== undefined && build.dockerfile_inline !== undefined) {
    report(
      `service "${name}" declares mutually exclusive dockerfile and dockerfile_inline`,
      'build',
      'dockerfile_inline',
    )
  }
  if (platform && build.platforms && !build.platforms.includes(platform)) {
    report(`service.build.platforms MUST include service.platform "${platform}"`, 'build', 'platforms')
  }
  for (const [key, context] of Object.entries(build.additional_contexts ?? {})) {
    const other = /^service:(.+)$/.exec(context)?.[1]
    if (other === undefined || model.services[other]?.config.build) continue
    const what = other in model.services ? 'non-buildable' : 'unknown'
    report(`declares ${what} service "${other}" as additional context`, 'build', 'additional_contexts', key)
  }
}

/** Secrets, configs, and services whose namespaces or mounts are shared. */
function checkReferences({ config }: Service, model: Model, report: Report): void {
  const files: readonly (readonly ['secret' | 'config', readonly { source: string }[] | undefined, Path])[] = [
    ['secret', config.secrets, ['secrets']],
    ['secret', config.build?.secrets, ['build', 'secrets']],
    ['config', config.configs, ['configs']],
  ]
  for (const [what, list, path] of files) {
    for (const [index, { source }] of (list ?? []).entries()) {
      const known = model[`${what}s`]
      if (Object.hasOwn(known, source)) continue
      const near = nearest(source, Object.keys(known))
      report(`refers to undefined ${what} ${source}${near ? `; did you mean "${near}"?` : ''}`, ...path, index)
    }
  }
  for (const what of ['secret', 'config'] as const) {
    for (const [index, { source }] of (config[`${what}s`] ?? []).entries()) {
      const object = model[`${what}s`][source]
      if (!config.read_only || object?.content === undefined) continue
      report(
        `cannot create ${what} "${source}" in a read-only service: \`file\` is the sole supported option`,
        `${what}s`,
        index,
      )
    }
  }
  for (const [index, device] of (config.gpus ?? []).entries()) {
    if (device.count !== undefined && device.device_ids)
      report('"count" and "device_ids" attributes are exclusive', 'gpus', index)
  }
}

function mountProblem(mount: MountConfig, { volumes }: Model): string | undefined {
  if (mount.type === 'bind' && !mount.source) return 'a bind mount needs a source'
  if (mount.type === 'volume' && mount.source && !Object.hasOwn(volumes, mount.source)) {
    const near = nearest(mount.source, Object.keys(volumes))
    return `refers to undefined volume ${mount.source}${near ? `; did you mean "${near}"?` : ''}`
  }
  return undefined
}

/** A short key and the `deploy.resources` key that means the same. */
function limitPairs(config: ServiceConfig): readonly (readonly [string, unknown, unknown])[] {
  const { limits, reservations } = config.deploy?.resources ?? {}
  return [
    ['cpus', config.cpus, limits?.cpus],
    ['mem_limit', config.mem_limit, limits?.memory],
    ['mem_reservation', config.mem_reservation, reservations?.memory],
    ['pids_limit', config.pids_limit, limits?.pids],
  ]
}

function checkNames({ services }: Model, complain: Complain): void {
  const owners = new Map<string, string>()
  for (const { name, config } of Object.values(services)) {
    const owner = owners.get(config.container_name ?? '')
    const message = `service "${owner}" has the container_name "${config.container_name}" already`
    if (owner) complain({ severity: 'error', path: ['services', name, 'container_name'], message })
    if (config.container_name) owners.set(config.container_name, name)
  }
}

function checkCircles({ services }: Model, complain: Complain): void {
  const done = new Set<string>()
  for (const start of Object.keys(services)) {
    // Without recursion: a chain of services may be longer than the call stack is deep.
    const trail: { name: string; left: string[] }[] = []
    const enter = (name: string) =>
      trail.push({ name, left: Object.keys(services[name]?.config.depends_on ?? {}).reverse() })
    const waiting = new Set<string>()
    if (!done.has(start)) enter(start)
    for (let last = trail.at(-1); last; last = trail.at(-1)) {
      const { name } = last
      waiting.add(name)
      const next = last.left.pop()
      if (next === undefined) {
        trail.pop()
        waiting.delete(name)
        done.add(name)
      } else if (waiting.has(next)) {
        const names = trail.map((step) => step.name)
        const circle = [...names.slice(names.indexOf(next)), next].join(' -> ')
        complain({
          severity: 'error',
          path: ['services', next, 'depends_on'],
          message: `dependency cycle detected: ${circle}`,
        })
      } else if (!done.has(next)) enter(next)
    }
  }
}

import type { Model, MountConfig, Service, ServiceConfig } from './model.ts'
import { nearest } from './nearest.ts'
import type { Complain, Path } from './normalize.ts'

/** What one key cannot tell: references, and keys that exclude each other. The words are Compose's own. */
export function check(model: Model, complain: Complain): void {
  for (const service of Object.values(model.services)) checkService(service, model, complain)
  checkNames(model, complain)
  checkCircles(model, complain)
}

function checkService(service: Service, model: Model, complain: Complain): void {
  const { name, config, replicas } = service
  const report = (message: string, ...path: Path) =>
    complain({ severity: 'error', path: ['services', name, ...path], message })
  if (!config.image && config.build === undefined)
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
  const visit = (name: string, trail: readonly string[]): void => {
    if (trail.includes(name)) {
      const circle = [...trail.slice(trail.indexOf(name)), name].join(' -> ')
      complain({
        severity: 'error',
        path: ['services', name, 'depends_on'],
        message: `dependency cycle detected: ${circle}`,
      })
      return
    }
    if (done.has(name)) return
    for (const next of Object.keys(services[name]?.config.depends_on ?? {})) visit(next, [...trail, name])
    done.add(name)
  }
  for (const name of Object.keys(services)) visit(name, [])
}

import type { Complain, Path } from './complaint.ts'
import type { Model, Service } from './model.ts'
import { nanoseconds } from './units.ts'

/** What is allowed, and will be regretted. Never an error. */
export function lint(model: Model, complain: Complain): void {
  for (const service of Object.values(model.services)) {
    const advise: Advise = (message, ...path) =>
      complain({ severity: 'warning', path: ['services', service.name, ...path], message })
    for (const rule of rules) rule(service, advise, model)
  }
}

type Advise = (message: string, ...path: Path) => void
type Rule = (service: Service, advise: Advise, model: Model) => void

const rules: readonly Rule[] = [openBroker, movingImage, fixedPort, lateHealth, deafShell, unknownHealth]

function openBroker({ role, config }: Service, advise: Advise): void {
  if (role !== 'redis' && role !== 'rabbitmq') return
  for (const [index, { host_ip: ip, published, target }] of (config.ports ?? []).entries()) {
    if (published === undefined || (ip !== undefined && ip !== '0.0.0.0' && ip !== '::')) continue
    advise(`anybody who reaches this machine reaches it: write 127.0.0.1:${published}:${target}`, 'ports', index)
  }
}

function movingImage({ config: { image = '', build } }: Service, advise: Advise): void {
  const tag = /:([^:/@]+)(@|$)/.exec(image)?.[1]
  if (build || image.includes('@') || image === '' || (tag !== undefined && tag !== 'latest')) return
  advise(`${image} is another image tomorrow: name a version`, 'image')
}

function fixedPort({ config, replicas }: Service, advise: Advise): void {
  for (const [index, { published }] of (config.ports ?? []).entries()) {
    if (replicas < 2 || published === undefined || published === '0' || published.includes('-')) continue
    advise(
      `${replicas} containers cannot all have port ${published}: write a range, or no port of this machine`,
      'ports',
      index,
    )
  }
}

function lateHealth({ config: { healthcheck: check } }: Service, advise: Advise): void {
  if (!check?.test || check.start_interval !== undefined) return
  const interval = nanoseconds(check.interval) ?? 30e9
  if (interval < 10e9) return
  advise(
    `Docker looks for the first time after ${interval / 1e9} s: add start_period and start_interval`,
    'healthcheck',
  )
}

function deafShell({ config: { command, entrypoint, init } }: Service, advise: Advise): void {
  const [program = '', flag, script = ''] = command ?? []
  if (init || entrypoint || !/(^|\/)(ba|da|a)?sh$/.test(program) || flag !== '-c') return
  if (/(^|[;&\n]\s*)(exec|trap)\s/.test(script.trim())) return
  advise(
    'the shell does not pass on the signal to stop: begin the last command with exec, or add init: true',
    'command',
  )
}

function unknownHealth({ config: { depends_on = {} } }: Service, advise: Advise, { services }: Model): void {
  for (const [name, { condition }] of Object.entries(depends_on)) {
    const check = services[name]?.config.healthcheck
    if (condition !== 'service_healthy' || (check && !check.disable) || !services[name]) continue
    advise(`${name} has no healthcheck here: unless its image has one, nobody will call it healthy`, 'depends_on', name)
  }
}

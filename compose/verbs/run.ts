import { randomBytes } from 'node:crypto'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import type { Engine, Session } from '../engine/engine.ts'
import { StackError } from '../errors.ts'
import { PortClaims } from '../execute/port-claims.ts'
import { wishesOf } from '../execute/ports.ts'
import { listForms, ShortFormError } from '../file/forms/short-forms.ts'
import {
  imageName,
  type Model,
  type MountConfig,
  type PortConfig,
  type Service,
  type ServiceConfig,
} from '../file/model.ts'
import { oneOffLabels } from '../identity/labels.ts'
import { chooseFamily } from '../plan/family.ts'
import type { Context, Doing } from './context.ts'
import { prepareRun } from './up.ts'

/** A run of a service of its own, and how it differs from the service. */
export interface RunOptions {
  readonly service: string
  /** Instead of the service's. */
  readonly command?: readonly string[] | undefined
  readonly entrypoint?: readonly string[] | undefined
  /** Over the service's; null takes a variable away. */
  readonly environment?: Readonly<Record<string, string | null>> | undefined
  readonly user?: string | undefined
  readonly directory?: string | undefined
  readonly name?: string | undefined
  /** Besides the service's, in Compose's short form: `./dump:/dump:ro`. */
  readonly volumes?: readonly string[] | undefined
  /** As `8080:80`. */
  readonly ports?: readonly string[] | undefined
  /** Publishes the service's own ports. @default false */
  readonly servicePorts?: boolean | undefined
  /** Is found by others under the service's name. @default false */
  readonly aliases?: boolean | undefined
  /** Starts what it depends on first, and waits for that. @default true */
  readonly dependencies?: boolean | undefined
  /** Removes the container as soon as it ends. @default false */
  readonly isRemoved?: boolean | undefined
  /** Whether it gets a terminal. */
  readonly tty: boolean
  /** Whether it reads what is written to it. @default true */
  readonly stdin?: boolean | undefined
  /** Leaves it to itself. @default false */
  readonly isDetached?: boolean | undefined
  readonly timeoutSeconds?: number | undefined
}

/** A run that has begun. */
export interface OneOff {
  readonly id: string
  readonly name: string
  /** Unless it was left to itself. */
  readonly session: Session | undefined
  /** Sends a signal to it. */
  kill(signal: string): Promise<void>
}

/**
 * Runs a service once more, in a container of its own, as `docker compose run` does; what it depends on comes first.
 *
 * @throws {StackError} SERVICE_UNKNOWN, EMBEDDED_UNSUPPORTED, and whatever `up` throws
 */
export async function run(context: Context, options: RunOptions, doing: Doing): Promise<OneOff> {
  const { engine, project, env, strictPorts } = context
  if (engine.kind === 'embedded') {
    throw new StackError(
      'EMBEDDED_UNSUPPORTED',
      'a run of its own needs Docker; the embedded engine has processes only',
    )
  }
  const model = project.model()
  const base = model.services[options.service]
  if (!base) throw new StackError('SERVICE_UNKNOWN', `there is no service "${options.service}" to run`)
  const service = oneOffService(base, options, model.directory)
  await prepareRun(context, options.service, options, doing)
  const slug = randomBytes(32).toString('hex')
  const name = options.name ?? `${model.name}-${base.name}-run-${slug.slice(0, 12)}`
  const claims = new PortClaims(engine, model, { strict: strictPorts, emit: doing.emit })
  await claims.claimFor(wishesOf(service, name))
  const image = imageName(model.name, service)
  const [images, containers] = await Promise.all([engine.images([image]), engine.containers(model.name)])
  const made = { family: await chooseFamily(containers, env), imageId: images[image]?.id ?? '' }
  const { isRemoved = false, aliases = false } = options
  const id = await engine.create({
    name,
    model: withService(model, service),
    service,
    labels: oneOffLabels(model, service, slug, made),
    ports: claims.portsOf(name),
    replaces: undefined,
    oneOff: { isRemoved, hasAliases: aliases },
  })
  const session = await begin(engine, id, options)
  return { id, name, session, kill: (signal) => engine.kill(id, signal) }
}

/** A container that never began is of no use to anyone. */
async function begin(engine: Engine, id: string, { tty, stdin = true, isDetached }: RunOptions) {
  let session: Session | undefined
  try {
    session = isDetached ? undefined : await engine.attach(id, { tty, stdin })
    await engine.start(id)
    return session
  } catch (thrown) {
    session?.close()
    await engine.remove(id, { volumes: true })
    throw thrown
  }
}

function withService(model: Model, service: Service): Model {
  return { ...model, services: { ...model.services, [service.name]: service } }
}

function oneOffService(base: Service, options: RunOptions, directory: string): Service {
  const mounts = (options.volumes ?? []).flatMap((text) => mountsIn(text, directory))
  const { container_name: _, restart: __, deploy, ports = [], command, entrypoint, ...kept } = base.config
  const { stdin = true, tty, isDetached = false } = options
  const config: ServiceConfig = {
    ...kept,
    ...(deploy && { deploy: withoutRestart(deploy) }),
    // A command of the service makes no sense to another entrypoint.
    command: options.command ?? (options.entrypoint ? null : command),
    entrypoint: options.entrypoint ?? entrypoint,
    environment: { ...kept.environment, ...options.environment },
    volumes: [...besides(kept.volumes ?? [], mounts), ...mounts],
    ports: [...(options.servicePorts ? ports : []), ...(options.ports ?? []).flatMap(portsIn)],
    tty,
    stdin_open: stdin && !isDetached,
    ...(options.user && { user: options.user }),
    ...(options.directory && { working_dir: options.directory }),
  }
  return { ...base, replicas: 1, config }
}

function withoutRestart({ restart_policy: _, ...deploy }: NonNullable<ServiceConfig['deploy']>) {
  return deploy
}

/** A mount that is asked for takes the place of the service's own. */
function besides(own: readonly MountConfig[], given: readonly MountConfig[]): readonly MountConfig[] {
  return own.filter(({ target }) => !given.some((mount) => mount.target === target))
}

function mountsIn(text: string, directory: string): readonly MountConfig[] {
  return (longForms('mount', text) as readonly MountConfig[]).map((mount) =>
    mount.type === 'bind' && mount.source ? { ...mount, source: absolute(mount.source, directory) } : mount,
  )
}

function absolute(path: string, directory: string): string {
  return resolve(directory, path.replace(/^~(?=\/|$)/, homedir()))
}

function portsIn(text: string): readonly PortConfig[] {
  return (longForms('port', text) as readonly PortConfig[]).map((port) => ({ ...port, mode: 'ingress' }))
}

function longForms(kind: 'mount' | 'port', text: string): readonly object[] {
  try {
    return listForms[kind]?.(text) ?? []
  } catch (thrown) {
    if (thrown instanceof ShortFormError) throw new StackError('OPTION_INVALID', thrown.message)
    throw thrown
  }
}

import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import type { Engine } from '../engine/engine.ts'
import { messageOf, systemCodeOf } from '../errors.ts'
import { lockState } from '../execute/lock.ts'
import { holdingProcess } from '../execute/port-holder.ts'
import { canListen, holdingContainer } from '../execute/ports.ts'
import { imageName, type Model } from '../file/model.ts'
import type { OpenedProject } from '../file/project.ts'
import { stateFiles } from '../state-directory.ts'
import { environmentOf } from '../verbs/environment.ts'
import { statusOf } from '../verbs/ps.ts'
import { troubleOf } from './docker-facts.ts'
import type { AddressFacts, ImageFacts, PortFacts, ProjectFacts, StackFacts, Trouble } from './facts.ts'

/** A project as it is; without an engine, as far as its files tell. */
export async function projectFacts(project: OpenedProject, engine: Engine | undefined): Promise<ProjectFacts> {
  const { name, directory, files } = project
  const { model, trouble } = modelOf(project)
  const perhaps = <T>(work: () => Promise<T>, otherwise: T) => work().catch(() => otherwise)
  return {
    name,
    directory,
    files,
    trouble,
    warnings: model?.warnings ?? [],
    services: model && Object.keys(model.services).length,
    stateDirectory: stateDirectory(directory),
    lock: lockState(directory),
    stack: engine && (await perhaps(() => stackFacts(engine, name), undefined)),
    ports: model && engine ? await perhaps(() => portFacts(model, engine), []) : [],
    images: model && engine?.kind === 'docker' ? await perhaps(() => imageFacts(model, engine), []) : [],
    addresses: engine ? await perhaps(() => addressFacts(engine, project), []) : [],
  }
}

function modelOf(project: OpenedProject): { model: Model | undefined; trouble: Trouble | undefined } {
  try {
    return { model: project.model(), trouble: undefined }
  } catch (thrown) {
    return { model: undefined, trouble: troubleOf(thrown) }
  }
}

function stateDirectory(directory: string): ProjectFacts['stateDirectory'] {
  const path = dirname(stateFiles.lock(directory))
  try {
    const place = existsSync(path) ? path : directory
    accessSync(place, constants.W_OK | constants.X_OK)
    return { path, isWritable: statSync(place).isDirectory() }
  } catch {
    return { path, isWritable: false }
  }
}

async function stackFacts(engine: Engine, project: string): Promise<StackFacts> {
  const containers = (await statusOf(engine, project, {}, undefined)).filter(({ oneOff }) => !oneOff)
  const running = containers.filter(({ state }) => state === 'running')
  return {
    engine: engine.kind,
    running: running.length,
    unhealthy: running.filter(({ health }) => health === 'unhealthy').map(({ name }) => name),
    stopped: containers
      .filter(({ state, exitCode }) => state !== 'running' && !(state === 'exited' && exitCode === 0))
      .map(({ name, state, exitCode }) => `${name} ${state}${exitCode === undefined ? '' : ` (${exitCode})`}`),
  }
}

/** Ports that the file names; any free one is always to be had. */
async function portFacts(model: Model, engine: Engine): Promise<readonly PortFacts[]> {
  const held = await engine.publishedPorts()
  const ours = held.filter(({ project }) => project === model.name)
  const others = held.filter(({ project }) => project !== model.name)
  const wanted = Object.values(model.services).flatMap(({ name, config }) =>
    (config.ports ?? []).flatMap(({ published, host_ip: host = '', protocol, target }) => {
      const port = Number(published)
      return Number.isInteger(port) && port > 0
        ? [{ service: name, port, choice: { host, port, target, protocol } }]
        : []
    }),
  )
  return Promise.all(
    wanted.map(async ({ service, port, choice }): Promise<PortFacts> => {
      if (holdingContainer(port, choice, ours) !== undefined) return { service, port, holder: undefined }
      const container = holdingContainer(port, choice, others)
      if (container !== undefined) return { service, port, holder: `container ${container}` }
      if (await canListen(port, choice.host, choice.protocol)) return { service, port, holder: undefined }
      return { service, port, holder: (await holdingProcess(port)) ?? 'another program' }
    }),
  )
}

async function imageFacts(model: Model, engine: Engine): Promise<readonly ImageFacts[]> {
  const services = Object.values(model.services)
  const names = [...new Set(services.map((service) => imageName(model.name, service)))]
  const images = await engine.images(names)
  const isBuilt = (image: string) =>
    services.some((service) => service.config.build && imageName(model.name, service) === image)
  return names.map((image) => ({ image, isThere: Object.hasOwn(images, image), isBuilt: isBuilt(image) }))
}

/** Where the first worker finds brokers and results, asked by TCP. */
async function addressFacts(engine: Engine, project: OpenedProject): Promise<readonly AddressFacts[]> {
  const containers = await engine.containers(project.name)
  if (!containers.some(({ state }) => state === 'running')) return []
  const environment = await environmentOf(engine, project, undefined)
  const found = Object.entries(environment).flatMap(([variable, value]) => {
    const match =
      /^(?:db\+)?(?<scheme>redis|rediss|amqps?|pyamqp|postgresql):\/\/(?:[^@/]*@)?(?<host>\[[^\]]+\]|[^:/?]+):(?<port>\d+)/.exec(
        value,
      )
    const { scheme, host, port } = match?.groups ?? {}
    return scheme && host && port ? [{ variable, scheme, host, port: Number(port) }] : []
  })
  return Promise.all(
    found.map(async ({ variable, scheme, host, port }) => ({
      variable,
      address: `${scheme}://${host}:${port}`,
      problem: await whyUnreachable(host.replace(/^\[|\]$/g, ''), port),
    })),
  )
}

const connectTimeoutMs = 2000

function whyUnreachable(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: connectTimeoutMs })
    const end = (problem: string | undefined) => {
      socket.destroy()
      resolve(problem)
    }
    socket.once('connect', () => end(undefined))
    socket.once('timeout', () => end('no answer in time'))
    socket.once('error', (error) => end(systemCodeOf(error) ?? messageOf(error)))
  })
}

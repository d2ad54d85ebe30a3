import type {
  AddressFacts,
  EndpointFacts,
  EngineFacts,
  Facts,
  ImageFacts,
  MachineFacts,
  PluginFacts,
  PortFacts,
  ProjectFacts,
  StackFacts,
  Trouble,
} from './facts.ts'

/** One line of the doctor's report. */
export interface Finding {
  readonly area: 'docker' | 'machine' | 'tools' | 'project'
  /** `note`: neither good nor bad. */
  readonly mark: 'good' | 'warn' | 'bad' | 'note'
  readonly text: string
  /** The way out. */
  readonly next?: string
  readonly details?: readonly string[]
}

/** What the doctor says, and whether one can work: with Docker, or with the embedded engine. */
export interface Diagnosis {
  readonly findings: readonly Finding[]
  readonly works: { readonly docker: boolean; readonly embedded: boolean }
}

/** Judges what was found; no fact is looked up here. */
export function judge(facts: Facts): Diagnosis {
  const findings = [
    ...facts.endpoints.map((endpoint) => endpointFinding(endpoint, facts)),
    ...(facts.engine ? engineFindings(facts.engine) : [noEngine]),
    ...machineFindings(facts.machine),
    ...toolFindings(facts),
    ...(facts.project
      ? projectFindings(facts.project)
      : [facts.projectTrouble ? troubled(facts.projectTrouble) : noProject]),
  ]
  // Whatever the engine is, these are needed.
  const isSound = !facts.projectTrouble && !facts.project?.trouble && canKeepState(facts.project)
  const isPossible = isNewEnough(facts.machine.node) && isSound
  return { findings, works: { docker: isPossible && facts.engine !== undefined, embedded: isPossible } }
}

function endpointFinding({ by, url, answer, trouble, isUsed }: EndpointFacts, { engine }: Facts): Finding {
  const area = 'docker'
  if (trouble) {
    const { message, next, details } = trouble
    // What was chosen must answer; others may be as they like.
    const mark = by === 'a known socket' || (by === 'default' && engine) ? 'note' : by === 'default' ? 'warn' : 'bad'
    return mark === 'note'
      ? { area, mark, text: `${by}: ${message}` }
      : { area, mark, text: `${by}: ${message}`, next, ...(details.length > 0 && { details }) }
  }
  if (url === undefined) return { area, mark: 'note', text: `${by} says nothing` }
  if (!answer) return { area, mark: 'note', text: `${by}: ${url}` }
  return isUsed
    ? { area, mark: 'good', text: `${by}: ${url} answers with API ${answer.apiVersion}; it is used` }
    : { area, mark: 'note', text: `${by}: ${url} answers with API ${answer.apiVersion}; not used, another comes first` }
}

const noEngine: Finding = {
  area: 'docker',
  mark: 'warn',
  text: 'no Docker engine answers; the embedded engine is used: brokers that speak Redis, workers as processes',
}

const GB = 1e9

function engineFindings(engine: EngineFacts): readonly Finding[] {
  const area = 'docker'
  const { product, version, platform, operatingSystem, cpus, memoryBytes, storage, cgroup, freeDiskBytes } = engine
  const what = `${product} ${version} on ${operatingSystem} (${platform}), ${cpus} CPUs, ${gigabytes(memoryBytes)}`
  const store = `${storage}${engine.isContainerdStore ? " in containerd's image store" : ''}, cgroup ${cgroup || 'unknown'}`
  return [
    { area, mark: 'good', text: `${what}; ${store}` },
    ...(product === 'Podman'
      ? [note(area, 'Podman answers as Docker does, with differences: what fails here may work with Docker')]
      : []),
    ...(engine.isRootless
      ? [note(area, 'rootless: no host port below 1024, and files of mounts belong to a mapped user')]
      : []),
    ...(engine.hasSelinux
      ? [
          warn(
            area,
            'SELinux is on: a mounted directory is unreadable without a label',
            'Add `:z` to the mounts of source.',
          ),
        ]
      : []),
    ...(memoryBytes < 2 * GB
      ? [warn(area, `the engine has ${gigabytes(memoryBytes)} of memory: RabbitMQ alone needs half a GB`, moreMemory)]
      : []),
    ...(freeDiskBytes !== undefined && freeDiskBytes < 2 * GB
      ? [
          warn(
            area,
            `${gigabytes(freeDiskBytes)} free where the engine keeps its images (${engine.rootDirectory})`,
            '`docker system df` shows what is on it, `docker system prune` frees space.',
          ),
        ]
      : []),
    ...engine.warnings.map((text) => note(area, `the engine says: ${text}`)),
  ]
}

const moreMemory = 'Give it more (Docker Desktop: Settings, Resources; `colima start --memory 4`).'

/** Node 22.18 runs TypeScript as it is. */
function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 18)
}

function machineFindings({
  node,
  system,
  isWsl,
  cpus,
  memoryBytes,
  freeMemoryBytes,
}: MachineFacts): readonly Finding[] {
  const area = 'machine'
  return [
    isNewEnough(node)
      ? { area, mark: 'good', text: `Node ${node}` }
      : { area, mark: 'bad', text: `Node ${node} is too old`, next: 'Install Node 22.18 or newer.' },
    {
      area,
      mark: freeMemoryBytes < GB / 2 ? 'warn' : 'good',
      text: `${system}${isWsl ? ' in WSL' : ''}, ${cpus} CPUs, ${gigabytes(freeMemoryBytes)} of ${gigabytes(memoryBytes)} memory free`,
      ...(freeMemoryBytes < GB / 2 && {
        next: 'Close something: brokers and workers may be killed for want of memory.',
      }),
    },
  ]
}

function toolFindings({ compose, buildx }: Facts): readonly Finding[] {
  const of = (name: string, plugin: PluginFacts | undefined, without: string): Finding => {
    if (!plugin) return note('tools', `no ${name} plugin: ${without}`)
    return plugin.version
      ? { area: 'tools', mark: 'good', text: `${name} ${plugin.version} (${plugin.path})` }
      : warn('tools', `${name} does not run (${plugin.path})`, `Install it anew, or remove the file.`)
  }
  return [
    of('docker compose', compose, 'none is needed; containers are labelled as its newest release does'),
    of('docker buildx', buildx, "images are built with the engine's own builder, without BuildKit"),
  ]
}

const noProject: Finding = {
  area: 'project',
  mark: 'note',
  text: 'no compose file here or in a directory above',
  next: 'celery-sandbox init makes a project.',
}

function troubled({ message, next, details }: Trouble): Finding {
  return { area: 'project', mark: 'bad', text: message, next, ...(details.length > 0 && { details }) }
}

function canKeepState(project: ProjectFacts | undefined): boolean {
  return project?.stateDirectory.isWritable ?? true
}

function projectFindings(project: ProjectFacts): readonly Finding[] {
  const area = 'project'
  const { name, directory, files, trouble, warnings, services, stateDirectory } = project
  return [
    trouble
      ? troubled(trouble)
      : {
          area,
          mark: 'good',
          text: `${name} in ${directory}: ${count(services ?? 0, 'service')} in ${files.join(', ')}`,
        },
    ...warnings.map((text) => warn(area, text)),
    stateDirectory.isWritable
      ? { area, mark: 'good', text: `${stateDirectory.path} can be written` }
      : {
          area,
          mark: 'bad',
          text: `${stateDirectory.path} cannot be written`,
          next: 'Give your user the right to write there, or move away what is in its place.',
        },
    ...lockFindings(project),
    ...(project.stack ? [stackFinding(project.stack)] : []),
    ...project.ports.map(portFinding),
    ...imageFindings(project.images),
    ...project.addresses.map(addressFinding),
  ]
}

function lockFindings({ lock }: ProjectFacts): readonly Finding[] {
  if (lock.state === 'held') return [note('project', `${lock.holder} is at work on it`)]
  if (lock.state === 'left over') {
    return [note('project', `${lock.holder} ended without cleaning up; nothing waits for it`)]
  }
  return []
}

function stackFinding({ engine, running, unhealthy, stopped }: StackFacts): Finding {
  const where = `on the ${engine === 'docker' ? 'Docker' : 'embedded'} engine`
  if (running === 0 && stopped.length === 0)
    return note('project', `nothing of it runs ${where}`, 'celery-sandbox up -d')
  const ill = [...unhealthy.map((name) => `${name} is unhealthy`), ...stopped]
  const text = `${count(running, 'container')} running ${where}`
  return ill.length === 0
    ? { area: 'project', mark: 'good', text }
    : warn(
        'project',
        `${text}; ${ill.join(', ')}`,
        '`celery-sandbox logs` tells why; `celery-sandbox up -d` starts what is down.',
      )
}

function portFinding({ service, port, holder }: PortFacts): Finding {
  return holder === undefined
    ? { area: 'project', mark: 'good', text: `port ${port} of ${service} is free, or its own` }
    : warn(
        'project',
        `port ${port} of ${service} is taken by ${holder}`,
        '`up` takes the next free port; with --strict-ports it fails. Stop that program to have this one.',
      )
}

function imageFindings(images: readonly ImageFacts[]): readonly Finding[] {
  if (images.length === 0) return []
  const missing = images.filter(({ isThere }) => !isThere)
  if (missing.length === 0) return [{ area: 'project', mark: 'good', text: `${count(images.length, 'image')} there` }]
  return missing.map(({ image, isBuilt }) =>
    isBuilt
      ? note('project', `image ${image} is built by the next up`, 'celery-sandbox build')
      : note('project', `image ${image} is pulled by the next up`, 'celery-sandbox pull'),
  )
}

function addressFinding({ variable, address, problem }: AddressFacts): Finding {
  return problem === undefined
    ? { area: 'project', mark: 'good', text: `${variable} can be reached: ${address}` }
    : warn(
        'project',
        `${variable} cannot be reached: ${address} (${problem})`,
        'Start it (celery-sandbox up -d), or correct the address.',
      )
}

function note(area: Finding['area'], text: string, next?: string): Finding {
  return { area, mark: 'note', text, ...(next && { next }) }
}

function warn(area: Finding['area'], text: string, next?: string): Finding {
  return { area, mark: 'warn', text, ...(next && { next }) }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function gigabytes(bytes: number): string {
  return `${(bytes / GB).toFixed(1)} GB`
}

import { describe, expect, it } from 'vitest'
import type { EndpointFacts, EngineFacts, Facts, ProjectFacts } from '../../../compose/doctor/facts.ts'
import { judge } from '../../../compose/doctor/judge.ts'

const machine = {
  node: '24.1.0',
  system: 'linux x64 6.1',
  isWsl: false,
  cpus: 8,
  memoryBytes: 16e9,
  freeMemoryBytes: 8e9,
}

const engine: EngineFacts = {
  product: 'Docker',
  version: '28.0.1',
  apiVersion: '1.48',
  platform: 'linux/x86_64',
  operatingSystem: 'Debian 12',
  cpus: 4,
  memoryBytes: 8e9,
  rootDirectory: '/var/lib/docker',
  storage: 'overlay2',
  isContainerdStore: false,
  cgroup: '2',
  isRootless: false,
  hasSelinux: false,
  warnings: [],
  freeDiskBytes: 50e9,
}

const silent = (by: string): EndpointFacts => ({
  by,
  url: undefined,
  answer: undefined,
  trouble: undefined,
  isUsed: false,
})

const socket = 'unix:///var/run/docker.sock'
const usual = { ...silent('default'), url: socket, answer: { apiVersion: '1.48' }, isUsed: true }

const well: Facts = {
  machine,
  endpoints: [silent('DOCKER_HOST'), silent('DOCKER_CONTEXT'), silent('config.json'), usual],
  engine,
  compose: { path: '/plugins/docker-compose', version: '5.0.0' },
  buildx: { path: '/plugins/docker-buildx', version: '0.30.0' },
  project: undefined,
  projectTrouble: undefined,
}

const project: ProjectFacts = {
  name: 'shop',
  directory: '/srv/shop',
  files: ['/srv/shop/compose.yaml'],
  trouble: undefined,
  warnings: [],
  services: 2,
  stateDirectory: { path: '/srv/shop/.celery-sandbox', isWritable: true },
  lock: { state: 'free', holder: '' },
  stack: { engine: 'docker', running: 2, unhealthy: [], stopped: [] },
  ports: [],
  images: [],
  addresses: [],
}

const signs = { good: '✓', warn: '!', bad: '✗', note: '·' }

const lines = (facts: Partial<Facts>) =>
  judge({ ...well, ...facts }).findings.flatMap(({ mark, text, next }) => [
    `${signs[mark]} ${text}`,
    ...(next ? [`  ${next}`] : []),
  ])

const ofProject = (change: Partial<ProjectFacts>) => lines({ project: { ...project, ...change } }).slice(8)
const works = (facts: Partial<Facts>) => judge({ ...well, ...facts }).works

const gone = {
  code: 'DOCKER_UNREACHABLE',
  message: 'Docker not reachable at unix:///gone: there is no such socket',
  next: 'Start Docker.',
  details: [],
}

describe('a machine on which all is well', () => {
  it('is told line by line', () => {
    expect(lines({})).toEqual([
      '· DOCKER_HOST says nothing',
      '· DOCKER_CONTEXT says nothing',
      '· config.json says nothing',
      `✓ default: ${socket} answers with API 1.48; it is used`,
      '✓ Docker 28.0.1 on Debian 12 (linux/x86_64), 4 CPUs, 8.0 GB; overlay2, cgroup 2',
      '✓ Node 24.1.0',
      '✓ linux x64 6.1, 8 CPUs, 8.0 GB of 16.0 GB memory free',
      '✓ docker compose 5.0.0 (/plugins/docker-compose)',
      '✓ docker buildx 0.30.0 (/plugins/docker-buildx)',
      '· no compose file here or in a directory above',
      '  celery-sandbox init makes a project.',
    ])
    expect(works({})).toEqual({ docker: true, embedded: true })
  })
})

describe('Docker', () => {
  it('that was chosen and does not answer is bad, with the way out', () => {
    const chosen = { ...silent('DOCKER_HOST'), url: 'unix:///gone', trouble: gone }
    const facts = { endpoints: [chosen, { ...usual, isUsed: false }], engine: undefined }
    expect(lines(facts).slice(0, 4)).toEqual([
      `✗ DOCKER_HOST: ${gone.message}`,
      '  Start Docker.',
      `· default: ${socket} answers with API 1.48; not used, another comes first`,
      '! no Docker engine answers; the embedded engine is used: brokers that speak Redis, workers as processes',
    ])
    expect(works(facts)).toEqual({ docker: false, embedded: true })
  })

  it('at the usual socket may be silent when another answers', () => {
    const other = { ...usual, by: 'a known socket', url: 'unix:///home/me/.colima/docker.sock' }
    const endpoints = [{ ...silent('default'), url: socket, trouble: gone }, other]
    expect(lines({ endpoints }).slice(0, 2)).toEqual([
      `· default: ${gone.message}`,
      '✓ a known socket: unix:///home/me/.colima/docker.sock answers with API 1.48; it is used',
    ])
    expect(lines({ endpoints: endpoints.slice(0, 1), engine: undefined })[0]).toBe(`! default: ${gone.message}`)
  })

  it('of another kind is described with what differs', () => {
    const podman = { ...engine, product: 'Podman', isRootless: true, hasSelinux: true, isContainerdStore: true }
    const told = lines({ engine: { ...podman, memoryBytes: 1e9, freeDiskBytes: 1e9, warnings: ['No swap limit'] } })
    expect(told.slice(4, 14)).toEqual([
      "✓ Podman 28.0.1 on Debian 12 (linux/x86_64), 4 CPUs, 1.0 GB; overlay2 in containerd's image store, cgroup 2",
      '· Podman answers as Docker does, with differences: what fails here may work with Docker',
      '· rootless: no host port below 1024, and files of mounts belong to a mapped user',
      '! SELinux is on: a mounted directory is unreadable without a label',
      '  Add `:z` to the mounts of source.',
      '! the engine has 1.0 GB of memory: RabbitMQ alone needs half a GB',
      '  Give it more (Docker Desktop: Settings, Resources; `colima start --memory 4`).',
      '! 1.0 GB free where the engine keeps its images (/var/lib/docker)',
      '  `docker system df` shows what is on it, `docker system prune` frees space.',
      '· the engine says: No swap limit',
    ])
  })
})

describe('the machine', () => {
  it('with an old Node can start nothing', () => {
    const facts = { machine: { ...machine, node: '22.17.1' } }
    expect(lines(facts)).toContain('✗ Node 22.17.1 is too old')
    expect(works(facts)).toEqual({ docker: false, embedded: false })
    expect(works({ machine: { ...machine, node: '22.18.0' } }).docker).toBe(true)
  })

  it('may be Windows underneath, and full', () => {
    expect(lines({ machine: { ...machine, isWsl: true, freeMemoryBytes: 2e8 } })).toContain(
      '! linux x64 6.1 in WSL, 8 CPUs, 0.2 GB of 16.0 GB memory free',
    )
  })

  it('needs no plugins, but those that are there must run', () => {
    expect(lines({ compose: undefined, buildx: { path: '/x', version: undefined } }).slice(7, 10)).toEqual([
      '· no docker compose plugin: none is needed; containers are labelled as its newest release does',
      '! docker buildx does not run (/x)',
      '  Install it anew, or remove the file.',
    ])
  })
})

describe('a project', () => {
  it('that is up', () => {
    const facts = {
      ports: [{ service: 'redis', port: 6379, holder: undefined }],
      images: [{ image: 'redis:8', isThere: true, isBuilt: false }],
      addresses: [{ variable: 'CELERY_BROKER_URL', address: 'redis://127.0.0.1:6379', problem: undefined }],
    }
    expect(lines({ project: { ...project, ...facts } }).slice(9)).toEqual([
      '✓ shop in /srv/shop: 2 services in /srv/shop/compose.yaml',
      '✓ /srv/shop/.celery-sandbox can be written',
      '✓ 2 containers running on the Docker engine',
      '✓ port 6379 of redis is free, or its own',
      '✓ 1 image there',
      '✓ CELERY_BROKER_URL can be reached: redis://127.0.0.1:6379',
    ])
  })

  it('in which much is wrong, none of which keeps it from working', () => {
    const facts: Partial<ProjectFacts> = {
      warnings: ['compose.yaml:1:1 version: is ignored'],
      lock: { state: 'left over', holder: 'up (process 12)' },
      stack: { engine: 'docker', running: 1, unhealthy: ['shop-redis-1'], stopped: ['shop-worker-1 exited (1)'] },
      ports: [{ service: 'redis', port: 6379, holder: 'redis-server, pid 812' }],
      images: [
        { image: 'redis:8', isThere: false, isBuilt: false },
        { image: 'shop-worker', isThere: false, isBuilt: true },
      ],
      addresses: [{ variable: 'CELERY_BROKER_URL', address: 'redis://127.0.0.1:1', problem: 'ECONNREFUSED' }],
    }
    expect(ofProject(facts).slice(2)).toEqual([
      '! compose.yaml:1:1 version: is ignored',
      '✓ /srv/shop/.celery-sandbox can be written',
      '· up (process 12) ended without cleaning up; nothing waits for it',
      '! 1 container running on the Docker engine; shop-redis-1 is unhealthy, shop-worker-1 exited (1)',
      '  `celery-sandbox logs` tells why; `celery-sandbox up -d` starts what is down.',
      '! port 6379 of redis is taken by redis-server, pid 812',
      '  `up` takes the next free port; with --strict-ports it fails. Stop that program to have this one.',
      '· image redis:8 is pulled by the next up',
      '  celery-sandbox pull',
      '· image shop-worker is built by the next up',
      '  celery-sandbox build',
      '! CELERY_BROKER_URL cannot be reached: redis://127.0.0.1:1 (ECONNREFUSED)',
      '  Start it (celery-sandbox up -d), or correct the address.',
    ])
    expect(works({ project: { ...project, ...facts } }).docker).toBe(true)
  })

  it.each([
    [{ trouble: { ...gone, message: 'the compose file has 2 mistakes' } }, '✗ the compose file has 2 mistakes'],
    [
      { stateDirectory: { path: '/srv/shop/.celery-sandbox', isWritable: false } },
      '✗ /srv/shop/.celery-sandbox cannot be written',
    ],
  ])('that keeps everything from working: %j', (facts, line) => {
    expect(ofProject(facts)).toContain(line)
    expect(works({ project: { ...project, ...facts } })).toEqual({ docker: false, embedded: false })
  })

  it('whose files cannot even be found', () => {
    const projectTrouble = { ...gone, message: 'no such file: /nope.yaml' }
    expect(lines({ projectTrouble })).toContain('✗ no such file: /nope.yaml')
    expect(works({ projectTrouble })).toEqual({ docker: false, embedded: false })
  })
})

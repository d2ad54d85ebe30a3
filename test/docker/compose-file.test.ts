import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Model, Service } from '../../compose/file/model.ts'
import { openProject } from '../../compose/file/project.ts'
import { configHash, ownersOf } from '../../compose/identity/hash.ts'
import { composeLabels, containerLabels, partsLabel } from '../../compose/identity/labels.ts'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith } from '../support/parts.ts'
import { docker, Sandbox } from './docker.ts'

failOnLeaks()

/** Every key that this engine can carry out, and those that are only part of config-hash. */
const everything = `
services:
  most:
    image: $REDIS
    annotations: { com.example.note: hello }
    attach: false
    build: { context: ., args: { A: 1 } }
    blkio_config: { weight: 300 }
    cap_add: [SYS_PTRACE, NET_ADMIN]
    cap_drop: [MKNOD]
    cgroup: private
    command: sh -c 'echo "a b" && exit 0'
    configs: [by_file, { source: by_content, target: /etc/by-content, mode: 0400 }]
    cpu_shares: 73
    cpus: 0.5
    cpuset: "0"
    develop: { watch: [{ path: ./src, action: sync, target: /src, ignore: [x] }] }
    device_cgroup_rules: ["c 1:3 mr"]
    devices: ["/dev/null:/dev/nothing:r", /dev/zero]
    dns: 8.8.8.8
    dns_opt: [use-vc]
    dns_search: [example.com]
    domainname: example.com
    entrypoint: ["/usr/bin/env"]
    env_file: [plain.env, { path: raw.env, format: raw }, { path: none.env, required: false }]
    environment: { NUMBER: 1.50, UNSET, EMPTY: "", DOLLAR: "a$$b" }
    expose: ["9000", "53/udp"]
    extra_hosts: ["gateway:host-gateway", "six=[::1]"]
    group_add: [100, audio]
    healthcheck: { test: [CMD, "true"], interval: 90s, timeout: 500ms, retries: 0, start_period: 1s }
    hostname: most
    init: true
    ipc: shareable
    label_file: labels.txt
    labels: { "a.b": "<tag> & ünïcode", own: wins }
    logging: { driver: json-file, options: { max-size: 10m, max-file: 3 } }
    mem_limit: 64m
    mem_reservation: 32m
    memswap_limit: 128m
    networks: { front: { ipv4_address: 10.213.71.10, priority: 5, aliases: [one, two] } }
    oom_score_adj: 100
    pid: host
    pids_limit: 100
    ports: ["127.0.0.1:0:80", { target: 81, host_ip: 127.0.0.1, protocol: udp, name: dns }]
    post_start: [{ command: echo started, user: root }]
    pre_stop: [{ command: [echo, stopping], environment: [A=1] }]
    privileged: true
    restart: on-failure:3
    runtime: runc
    secrets: [by_file, { source: by_file, target: renamed, uid: "5" }, { source: by_environment, mode: 0440, uid: "7", gid: "8" }]
    security_opt: [label=disable]
    shm_size: 8mb
    stdin_open: true
    stop_grace_period: 1m30s
    stop_signal: SIGUSR1
    sysctls: { net.core.somaxconn: 1024 }
    tmpfs: [/run/x, "/tmp:size=1m"]
    tty: true
    ulimits: { nofile: { soft: 20000, hard: 40000 }, nproc: 65535 }
    user: "1000:1000"
    userns_mode: host
    volumes:
      - data:/data
      - data:/again:ro
      - /anonymous
      - ./bound:/bound:z,ro
      - ./made:/made
      - { type: bind, source: ., target: /here/ }
      - { type: bind, source: ., target: /there, read_only: true, bind: { propagation: rslave, create_host_path: true } }
      - { type: volume, source: data, target: /copied, volume: { nocopy: true } }
      - { type: tmpfs, target: /small, tmpfs: { size: 10m, mode: 0o1777 } }
    working_dir: /work
  deployed:
    image: $REDIS
    depends_on: [most]
    deploy:
      mode: replicated
      labels: { a: b }
      update_config: { parallelism: 2, delay: 10s, order: start-first }
      resources: { limits: { cpus: "0.1", memory: 50M, pids: 20 }, reservations: { memory: 20M } }
      restart_policy: { condition: on-failure, delay: 5s, max_attempts: 3 }
    links: ["most:m"]
    networks: [front, back]
    mac_address: "02:42:ac:11:65:43"
  bare: { image: $REDIS, network_mode: none, uts: host, volumes: ["data:/from-bare"] }
  heir: { extends: { service: most }, volumes_from: [bare], networks: !reset null, network_mode: "service:most", hostname: !reset null, domainname: !reset null, ports: !reset null, expose: !reset null, extra_hosts: !reset null, dns: !reset null, dns_search: !reset null, dns_opt: !reset null, sysctls: !reset null, pid: "service:most", healthcheck: { disable: true } }
networks:
  front: { ipam: { config: [{ subnet: 10.213.71.0/24 }] } }
  back: { internal: true }
volumes:
  data: { labels: [x=y] }
secrets: { by_file: { file: ./secret.txt }, by_environment: { environment: HUSH } }
configs: { by_file: { file: ./config.txt }, by_content: { content: "says $HUSH" } }
`

const files = {
  'plain.env': 'FROM_FILE="a \\"b\\""\nTZ=Europe/Berlin # comment\n',
  'raw.env': 'RAW="quotes stay" # and this\n',
  'labels.txt': 'from.file=yes\nown=loses\n',
  'secret.txt': 'from a file',
  'config.txt': 'configured',
  '.env': 'HUSH=from the environment\n',
  'bound/.keep': '',
}

describeWith(['docker', 'images', 'compose'], 'a container', () => {
  let sandbox: Sandbox

  beforeEach(() => {
    sandbox = new Sandbox()
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(sandbox.directory, name)), { recursive: true })
      writeFileSync(join(sandbox.directory, name), text)
    }
  })

  afterEach(() => sandbox.remove())

  it('is the same, whoever made it: hash, configuration and all that the host gives it', async () => {
    sandbox.write(everything)
    const model = openProject({ directory: sandbox.directory, env: sandbox.env }).model()
    await sandbox.compose('create')
    const theirs = await inspectAll(sandbox, model)
    for (const name of Object.keys(model.services)) await sandbox.docker('rm', '--volumes', `${sandbox.name}-${name}-1`)
    // In order: namespaces and mounts are shared by name.
    for (const service of Object.values(model.services)) await create(model, service)
    const ours = await inspectAll(sandbox, model)
    for (const { name, config } of Object.values(model.services)) {
      const owner = (shared: string) => theirs[shared]?.id
      expect.soft(configHash(config, 'v2', owner), name).toBe(theirs[name]?.hash)
      expect.soft(ours[name]?.rest, name).toEqual(theirs[name]?.rest)
    }
  })

  it('can read its secrets and configs, and has what its files and the service that it extends say', async () => {
    sandbox.write(`
services:
  base: { image: $REDIS, profiles: [never], labels: { inherited: "yes" } }
  app:
    extends: base
    profiles: !reset null
    user: "7"
    command: >
      sh -c 'cat /run/secrets/by_file /run/secrets/by_environment /by_file /etc/by-content; echo; ls -ln /run/secrets/by_environment; echo $$RAW'
    env_file: [{ path: raw.env, format: raw }]
    secrets: [by_file, { source: by_environment, uid: "7", gid: "8", mode: 0400 }]
    configs: [by_file, { source: by_content, target: /etc/by-content }]
secrets: { by_file: { file: ./secret.txt }, by_environment: { environment: HUSH } }
configs: { by_file: { file: ./config.txt }, by_content: { content: "says $HUSH" } }
`)
    await sandbox.up().catch(() => undefined)
    const said = await sandbox.docker('logs', `${sandbox.name}-app-1`)
    expect(said).toContain('from a filefrom the environmentconfiguredsays from the environment')
    expect(said).toMatch(/^-r-------- +1 7 +8 /m)
    expect(said).toContain('"quotes stay" # and this')
    const labels = await sandbox.docker('inspect', '--format', '{{json .Config.Labels}}', `${sandbox.name}-app-1`)
    expect(JSON.parse(labels)).toMatchObject({ inherited: 'yes' })
  })
})

/** Makes the container of a service as `up` does, with the ports that the file names. */
async function create(model: Model, service: Service): Promise<void> {
  const engine = await docker()
  const image = service.config.image ?? ''
  const { [image]: found } = await engine.images([image])
  const ports = (service.config.ports ?? []).map(({ host_ip = '', published, target, protocol }) => ({
    host: host_ip,
    port: published === undefined ? undefined : Number(published),
    target,
    protocol,
  }))
  const owners = new Map<string, string>()
  for (const name of ownersOf(service.config)) {
    const owner = await engine.inspect(`${model.name}-${name}-1`)
    if (owner) owners.set(name, owner.id)
  }
  const made = { family: 'v2', imageId: found?.id ?? '', owner: (name: string) => owners.get(name) } as const
  const labels = containerLabels(model, service, 1, made)
  await engine.create({ name: `${model.name}-${service.name}-1`, model, service, labels, ports, replaces: undefined })
}

interface Inspected {
  readonly id: string
  readonly hash: string | undefined
  readonly rest: unknown
}

/** What Docker knows of each container, but for what is new with each one and what each maker says of itself. */
async function inspectAll(sandbox: Sandbox, model: Model): Promise<Record<string, Inspected>> {
  const names = Object.keys(model.services).map((name) => `${sandbox.name}-${name}-1`)
  const found: Docker[] = JSON.parse(await sandbox.docker('inspect', ...names))
  const known = new Map(found.map(({ Id, Name }) => [Id, Name.slice(1)]))
  // Ids of containers become names; those of volumes without a name say nothing.
  const named = (text: string) => text.replace(/\b[0-9a-f]{64}\b/g, (id) => known.get(id) ?? '<id>')
  return Object.fromEntries(
    found.map(({ Id, Config, HostConfig, Mounts, NetworkSettings }, index) => {
      const { [composeLabels.hash]: hash, [composeLabels.version]: _, [partsLabel]: __, ...labels } = Config.Labels
      const dependencies = labels[composeLabels.dependsOn]?.split(',').sort()
      const networks = Object.values(NetworkSettings.Networks).map(({ Aliases, Links, IPAMConfig }) => ({
        Aliases: (Aliases ?? []).filter((alias) => !/^[0-9a-f]{12}$/.test(alias)),
        Links,
        IPAMConfig,
      }))
      const Labels = { ...labels, [composeLabels.dependsOn]: dependencies }
      const rest = { Config: { ...Config, Labels, Hostname: undefined }, HostConfig, Mounts, networks }
      return [Object.keys(model.services)[index], { id: Id, hash, rest: comparable(rest, named) }]
    }),
  )
}

/** A part of what `docker inspect` prints. */
interface Docker {
  readonly Id: string
  readonly Name: string
  readonly Config: { readonly Labels: Readonly<Record<string, string>> }
  readonly HostConfig: object
  readonly Mounts: readonly object[]
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, { Aliases?: string[]; Links?: string[]; IPAMConfig?: object }>>
  }
}

/** Lists are in no order, and what is empty may as well be missing. */
function comparable(value: unknown, named: (text: string) => string): unknown {
  if (typeof value === 'string') return named(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const entries = value.map((entry) => comparable(entry, named))
    return entries.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }
  const entries = Object.entries(value)
    .map(([key, entry]) => [key, comparable(entry, named)] as const)
    .filter(([, entry]) => entry !== null && (typeof entry !== 'object' || Object.keys(entry).length > 0))
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries)
}

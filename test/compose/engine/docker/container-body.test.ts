import { describe, expect, it } from 'vitest'
import { containerBody } from '../../../../compose/engine/docker/container-body.ts'
import type { ChosenPort, ContainerSpec } from '../../../../compose/engine/engine.ts'
import { modelOf } from '../../model-of.ts'

function bodyOf(config: string, options: { api?: number; ports?: ChosenPort[] } = {}) {
  const model = modelOf(`services:
  app: ${config}
  db: { image: db }
networks: { front: , back: { name: backbone } }
volumes: { data: }`)
  const service = model.services.app
  if (!service) throw new Error('no service')
  const spec: ContainerSpec = {
    name: 'shop-app-1',
    model,
    service,
    labels: { a: 'b' },
    ports: options.ports ?? [],
    replaces: undefined,
  }
  return containerBody(spec, options.api ?? 1051)
}

const hostConfig = (config: string, ports: ChosenPort[] = []) => bodyOf(config, { ports }).body.HostConfig

describe('what the engine is sent', () => {
  it('is small for a small service', () => {
    expect(bodyOf('{ image: x }')).toEqual({
      query: { name: 'shop-app-1' },
      body: {
        Image: 'x',
        AttachStdout: true,
        AttachStderr: true,
        Labels: { a: 'b' },
        HostConfig: { NetworkMode: 'shop_default' },
        NetworkingConfig: { EndpointsConfig: { shop_default: { Aliases: ['shop-app-1', 'app'] } } },
      },
      later: [],
    })
  })

  it('has what the container itself is', () => {
    const { query, body } =
      bodyOf(`{ image: x, platform: linux/amd64, command: a b, entrypoint: [], environment: [A=1, B], hostname: h,
      user: "1", working_dir: /w, tty: true, stdin_open: true, stop_signal: SIGINT, stop_grace_period: 1500ms, expose: ["1-2", "53/udp"],
      healthcheck: { test: t, interval: 1s, retries: 0 } }`)
    expect(query).toEqual({ name: 'shop-app-1', platform: 'linux/amd64' })
    expect(body).toMatchObject({
      Cmd: ['a', 'b'],
      Entrypoint: [],
      Env: ['A=1', 'B'],
      Hostname: 'h',
      User: '1',
      WorkingDir: '/w',
      Tty: true,
      OpenStdin: true,
      StopSignal: 'SIGINT',
      StopTimeout: 2,
      ExposedPorts: { '1/tcp': {}, '2/tcp': {}, '53/udp': {} },
      Healthcheck: { Test: ['CMD-SHELL', 't'], Interval: 1e9, Retries: 0 },
    })
    expect(bodyOf('{ image: x, healthcheck: { disable: true } }').body.Healthcheck).toEqual({ Test: ['NONE'] })
  })

  it('has the ports as they were chosen, not as they were asked for', () => {
    const ports = [
      { host: '127.0.0.1', port: 8081, target: 80, protocol: 'tcp' },
      { host: '', port: undefined, target: 80, protocol: 'tcp' },
    ]
    expect(hostConfig('{ image: x, ports: ["127.0.0.1:8080:80", "80"] }', ports)).toMatchObject({
      PortBindings: {
        '80/tcp': [
          { HostIp: '127.0.0.1', HostPort: '8081' },
          { HostIp: '', HostPort: '' },
        ],
      },
    })
  })

  it('mounts in the old form where that says all, and in the new one elsewhere', () => {
    expect(
      hostConfig(`{ image: x, tmpfs: ["/run", "/tmp:size=1m"], volumes: [/srv/a:/a:ro, data:/data, /anonymous,
        { type: bind, source: /srv/b, target: /b, bind: { create_host_path: false } }, { type: tmpfs, target: /t, tmpfs: { size: 1k } },
        { type: volume, source: data, target: /n, volume: { nocopy: true } }] }`),
    ).toMatchObject({
      Binds: ['/srv/a:/a:ro', 'shop_data:/data:rw'],
      Mounts: [
        { Type: 'volume', Target: '/anonymous' },
        { Type: 'bind', Source: '/srv/b', Target: '/b', BindOptions: { CreateMountpoint: false } },
        { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 1024 } },
        { Type: 'volume', Source: 'shop_data', Target: '/n', VolumeOptions: { NoCopy: true } },
      ],
      Tmpfs: { '/run': '', '/tmp': 'size=1m' },
    })
  })

  it.each([
    ['restart: always', { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } }],
    ['restart: "on-failure:3"', { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } }],
    [
      'deploy: { restart_policy: { condition: any, max_attempts: 2 } }',
      { RestartPolicy: { Name: 'always', MaximumRetryCount: 2 } },
    ],
    ['deploy: { restart_policy: { condition: none } }', { RestartPolicy: { Name: 'no', MaximumRetryCount: 0 } }],
    ['init: true', { Init: true }],
    ['cpus: 0.5, mem_limit: 64m', { NanoCpus: 5e8, Memory: 67108864 }],
    [
      'deploy: { resources: { limits: { cpus: 0.1, memory: 1g, pids: 5 } } }',
      { NanoCpus: 1e8, Memory: 1073741824, PidsLimit: 5 },
    ],
    [
      'ulimits: { nproc: 5, nofile: { soft: 1, hard: 2 } }',
      {
        Ulimits: [
          { Name: 'nproc', Soft: 5, Hard: 5 },
          { Name: 'nofile', Soft: 1, Hard: 2 },
        ],
      },
    ],
    ['extra_hosts: ["a=::1"]', { ExtraHosts: ['a:::1'] }],
    ['shm_size: 1m', { ShmSize: 1048576 }],
    ['logging: { driver: none }', { LogConfig: { Type: 'none', Config: {} } }],
    ['network_mode: host', { NetworkMode: 'host' }],
    ['network_mode: "service:db"', { NetworkMode: 'container:shop-db-1' }],
    ['ipc: "service:db"', { IpcMode: 'container:shop-db-1' }],
    ['volumes_from: [db, "db:ro", "container:other:ro"]', { VolumesFrom: ['shop-db-1', 'shop-db-1:ro', 'other:ro'] }],
    ['gpus: all', { DeviceRequests: [{ Capabilities: [['gpu']], Count: -1 }] }],
    [
      'gpus: [{ driver: nvidia, device_ids: ["0"], capabilities: [utility], options: { a: b } }]',
      {
        DeviceRequests: [
          { Driver: 'nvidia', DeviceIDs: ['0'], Capabilities: [['utility', 'gpu']], Options: { a: 'b' } },
        ],
      },
    ],
    [
      'deploy: { resources: { reservations: { devices: [{ capabilities: [tpu], count: 2 }] } } }',
      { DeviceRequests: [{ Capabilities: [['tpu']], Count: 2 }] },
    ],
    [
      'blkio_config: { weight: 300, weight_device: [{ path: /dev/a, weight: 4 }], device_read_bps: [{ path: /dev/a, rate: 1k }], device_write_iops: [{ path: /dev/b, rate: 30 }] }',
      {
        BlkioWeight: 300,
        BlkioWeightDevice: [{ Path: '/dev/a', Weight: 4 }],
        BlkioDeviceReadBps: [{ Path: '/dev/a', Rate: 1024 }],
        BlkioDeviceWriteIOps: [{ Path: '/dev/b', Rate: 30 }],
      },
    ],
    ['cap_add: [sys_admin, CHOWN], cap_drop: [ALL]', { CapAdd: ['CAP_CHOWN', 'CAP_SYS_ADMIN'], CapDrop: ['ALL'] }],
    ['cap_add: [CHOWN], cap_drop: [chown, KILL]', { CapAdd: ['CAP_CHOWN'], CapDrop: ['CAP_KILL'] }],
  ])('says %s', (config, expected) => {
    expect(hostConfig(`{ image: x, ${config} }`)).toMatchObject(expected)
  })

  it('mounts secrets and configs that are files, where they are looked for', () => {
    const model = modelOf(
      `services:
  app: { image: x, secrets: [s, { source: s, target: other }, { source: s, target: /abs }, e], configs: [c, { source: c, target: /etc/c }] }
secrets: { s: { file: /dev/null }, e: { environment: E } }
configs: { c: { file: /dev/null } }`,
      { E: 'e' },
    )
    const service = model.services.app
    if (!service) throw new Error('no service')
    const { body } = containerBody({ name: 'n', model, service, labels: {}, ports: [], replaces: undefined }, 1051)
    const { Mounts } = body.HostConfig as { Mounts: { Target: string; ReadOnly: boolean; Source: string }[] }
    expect(Mounts.map(({ Target }) => Target)).toEqual(['/run/secrets/s', '/run/secrets/other', '/abs', '/c', '/etc/c'])
    expect(Mounts.every(({ ReadOnly, Source }) => ReadOnly && Source === '/dev/null')).toBe(true)
  })

  it('joins all networks at once where the engine can, and the others later where it cannot', () => {
    const config =
      '{ image: x, networks: { back: { priority: 1, aliases: [b], ipv4_address: 10.0.0.9 }, front: }, links: ["db:d"] }'
    const back = {
      Aliases: ['shop-app-1', 'app', 'b'],
      IPAMConfig: { IPv4Address: '10.0.0.9' },
      Links: ['shop-db-1:d', 'shop-db-1:db-1', 'shop-db-1:shop-db-1'],
    }
    const front = { Aliases: ['shop-app-1', 'app'], Links: back.Links }
    const newer = bodyOf(config, { api: 1044 })
    expect(newer.body.NetworkingConfig).toEqual({ EndpointsConfig: { backbone: back, shop_front: front } })
    expect(newer.later).toEqual([])
    const older = bodyOf(config, { api: 1043 })
    expect(older.body.NetworkingConfig).toEqual({ EndpointsConfig: { backbone: back } })
    expect(older.later).toEqual([{ network: 'shop_front', endpoint: front }])
  })

  it('is known to the network under the name it is going to have', () => {
    const model = modelOf('services: { app: { image: x } }')
    const service = model.services.app
    if (!service) throw new Error('no service')
    const replaces = { container: 'old', temporaryName: 'abc_shop-app-1' }
    const { query, body } = containerBody({ name: 'shop-app-1', model, service, labels: {}, ports: [], replaces }, 1051)
    expect(query.name).toBe('abc_shop-app-1')
    expect(JSON.stringify(body.NetworkingConfig)).toContain('"Aliases":["shop-app-1","app"]')
  })
})

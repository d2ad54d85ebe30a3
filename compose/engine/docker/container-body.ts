import { containerName, imageName, type ServiceConfig } from '../../file/model.ts'
import { nanoseconds } from '../../file/units.ts'
import type { ContainerSpec } from '../engine.ts'
import { type Json, number, withoutEmpty } from './json.ts'
import { mountsOf } from './mounts.ts'

/** What `POST /containers/create` is sent, and the networks that an older engine joins one by one. */
export interface ContainerBody {
  readonly query: { readonly name: string; readonly platform?: string }
  readonly body: Readonly<Record<string, unknown>>
  readonly later: readonly { readonly network: string; readonly endpoint: object }[]
}

/** Docker takes all networks of a container at once since API 1.44. */
const allNetworksVersion = 1044

/** The Engine API's form of a service's container, for an API version as `versionNumber` counts it. */
export function containerBody(spec: ContainerSpec, apiVersion: number, inherited: readonly Json[] = []): ContainerBody {
  const { service, labels } = spec
  const { config } = service
  const name = spec.replaces?.temporaryName ?? spec.name
  const [first, ...others] = endpoints(spec)
  const atOnce = apiVersion >= allNetworksVersion ? [first, ...others] : [first]
  const joined = atOnce.flatMap((endpoint) => (endpoint ? [[endpoint.network, endpoint.settings]] : []))
  return {
    query: { name, ...(config.platform && { platform: config.platform }) },
    body: withoutEmpty({
      Image: imageName(spec.model.name, service),
      Hostname: config.hostname,
      Domainname: config.domainname,
      User: config.user,
      WorkingDir: config.working_dir,
      Tty: config.tty,
      OpenStdin: config.stdin_open,
      // What a run of its own reads ends when the reader's input does.
      StdinOnce: spec.oneOff && config.stdin_open,
      AttachStdin: spec.oneOff && config.stdin_open,
      AttachStdout: true,
      AttachStderr: true,
      Cmd: config.command ?? undefined,
      Entrypoint: config.entrypoint ?? undefined,
      Env: Object.entries(config.environment ?? {}).map(([key, value]) => (value === null ? key : `${key}=${value}`)),
      Labels: labels,
      StopSignal: config.stop_signal,
      StopTimeout: seconds(config.stop_grace_period),
      Healthcheck: healthcheck(config),
      ExposedPorts: exposedPorts(config),
      MacAddress: apiVersion < allNetworksVersion ? config.mac_address : undefined,
      HostConfig: hostConfig(spec, first?.network, inherited),
      NetworkingConfig: joined.length > 0 ? { EndpointsConfig: Object.fromEntries(joined) } : undefined,
    }),
    later:
      apiVersion >= allNetworksVersion ? [] : others.map(({ network, settings }) => ({ network, endpoint: settings })),
  }
}

interface Endpoint {
  readonly network: string
  readonly settings: Json
}

/** The networks of a container, the primary one first: highest priority, then by name. */
function endpoints({ name, model, service, oneOff }: ContainerSpec): readonly Endpoint[] {
  return Object.entries(service.config.networks ?? {})
    .sort(([a, x], [b, y]) => (y?.priority ?? 0) - (x?.priority ?? 0) || (a < b ? -1 : 1))
    .map(([key, network]) => ({
      network: model.networks[key]?.name ?? key,
      settings: withoutEmpty({
        Aliases: oneOff && !oneOff.hasAliases ? [name] : [name, service.name, ...(network?.aliases ?? [])],
        Links: links({ model, service }),
        MacAddress: network?.mac_address,
        DriverOpts: network?.driver_opts,
        GwPriority: network?.gw_priority,
        IPAMConfig: withoutEmpty({
          IPv4Address: network?.ipv4_address,
          IPv6Address: network?.ipv6_address,
          LinkLocalIPs: network?.link_local_ips,
        }),
      }),
    }))
}

/** `redis:cache` → the first container of redis under the name `cache`. */
function links({ model, service }: Pick<ContainerSpec, 'model' | 'service'>): readonly string[] {
  const internal = (service.config.links ?? []).flatMap((link) => {
    const [name = '', alias = name] = link.split(':')
    const linked = model.services[name]
    if (!linked) return []
    const container = containerName(model.name, linked, 1)
    return [alias, `${name}-1`, `${model.name}-${name}-1`].map((known) => `${container}:${known}`)
  })
  const external = (service.config.external_links ?? []).map((link) => (link.includes(':') ? link : `${link}:${link}`))
  return [...internal, ...external]
}

function hostConfig(spec: ContainerSpec, network: string | undefined, inherited: readonly Json[]): Json {
  const { model, service, ports } = spec
  const { config } = service
  const { binds, mounts } = mountsOf(config, model)
  return withoutEmpty({
    NetworkMode: namespace(config.network_mode, spec) ?? network ?? 'none',
    RestartPolicy: restartPolicy(config),
    AutoRemove: spec.oneOff?.isRemoved,
    Init: config.init,
    Binds: binds,
    Mounts: [...mounts, ...inherited],
    VolumesFrom: volumesFrom(spec),
    Tmpfs: Object.fromEntries((config.tmpfs ?? []).map((text) => /^([^:]*):?(.*)$/s.exec(text)?.slice(1) ?? [])),
    PortBindings: Object.fromEntries(
      Object.entries(Object.groupBy(ports, ({ target, protocol }) => `${target}/${protocol}`)).map(
        ([key, list = []]) => [
          key,
          list.map(({ host, port }) => ({ HostIp: host, HostPort: port === undefined ? '' : String(port) })),
        ],
      ),
    ),
    ...capabilities(config),
    Privileged: config.privileged,
    ReadonlyRootfs: config.read_only,
    SecurityOpt: config.security_opt,
    Sysctls: config.sysctls,
    ShmSize: number(config.shm_size),
    StorageOpt: config.storage_opt,
    GroupAdd: config.group_add,
    UsernsMode: config.userns_mode,
    UTSMode: config.uts,
    PidMode: namespace(config.pid, spec),
    IpcMode: namespace(config.ipc, spec),
    CgroupnsMode: config.cgroup,
    Runtime: config.runtime,
    Annotations: config.annotations,
    ExtraHosts: config.extra_hosts?.map((host) => host.replace('=', ':')),
    Dns: config.dns,
    DnsOptions: config.dns_opt,
    DnsSearch: config.dns_search,
    LogConfig: config.logging && { Type: config.logging.driver ?? '', Config: config.logging.options ?? {} },
    OomScoreAdj: config.oom_score_adj,
    ...resources(config),
  })
}

/** By their full names and in order; what is both added and dropped is added. */
function capabilities({ cap_add = [], cap_drop = [] }: ServiceConfig): Json {
  const named = (list: readonly string[]) => {
    const names = list.map((name) => name.toUpperCase().replace(/^(?!CAP_|ALL$|RESET$)/, 'CAP_'))
    return names.includes('ALL') ? ['ALL'] : [...new Set(names)].sort()
  }
  const added = named(cap_add)
  return { CapAdd: added, CapDrop: named(cap_drop).filter((name) => !added.includes(name)) }
}

/** `service[:ro]` is the first container of the service; `container:name[:ro]` is anybody's. */
function volumesFrom({ model, service }: Pick<ContainerSpec, 'model' | 'service'>): readonly string[] | undefined {
  return service.config.volumes_from?.map((text) => {
    if (text.startsWith('container:')) return text.slice('container:'.length)
    const [name = '', ...mode] = text.split(':')
    const owner = model.services[name]
    return [owner ? containerName(model.name, owner, 1) : name, ...mode].join(':')
  })
}

/** `service:x` is the first container of x. */
function namespace(mode: string | undefined, { model }: Pick<ContainerSpec, 'model'>): string | undefined {
  const owner = model.services[/^service:(.+)$/.exec(mode ?? '')?.[1] ?? '']
  return owner ? `container:${containerName(model.name, owner, 1)}` : mode
}

function restartPolicy({ restart, deploy }: ServiceConfig): Json | undefined {
  const policy = deploy?.restart_policy
  if (policy) {
    const names: Readonly<Record<string, string>> = { none: 'no', any: 'always' }
    const condition = policy.condition ?? 'any'
    return { Name: names[condition] ?? condition, MaximumRetryCount: policy.max_attempts ?? 0 }
  }
  if (!restart) return undefined
  const [name, attempts] = restart.split(':')
  return { Name: name, MaximumRetryCount: Number(attempts ?? 0) }
}

function resources(config: ServiceConfig): Json {
  const { limits, reservations } = config.deploy?.resources ?? {}
  const cpus = limits?.cpus ?? config.cpus
  return {
    Memory: number(limits?.memory ?? config.mem_limit),
    MemoryReservation: number(reservations?.memory ?? config.mem_reservation),
    MemorySwap: number(config.memswap_limit),
    MemorySwappiness: number(config.mem_swappiness),
    NanoCpus: cpus === undefined ? undefined : Math.round(cpus * 1e9),
    PidsLimit: limits?.pids ?? config.pids_limit,
    CpuShares: config.cpu_shares,
    CpuPeriod: config.cpu_period,
    CpuQuota: config.cpu_quota,
    CpuRealtimePeriod: config.cpu_rt_period,
    CpuRealtimeRuntime: config.cpu_rt_runtime,
    CpuCount: config.cpu_count,
    CpuPercent: config.cpu_percent,
    CpusetCpus: config.cpuset,
    CgroupParent: config.cgroup_parent,
    OomKillDisable: config.oom_kill_disable,
    DeviceCgroupRules: config.device_cgroup_rules,
    Devices: config.devices?.map(({ source, target = source, permissions = 'rwm' }) => ({
      PathOnHost: source,
      PathInContainer: target,
      CgroupPermissions: permissions,
    })),
    DeviceRequests: deviceRequests(config),
    ...blockLimits(config),
    Ulimits: Object.entries(config.ulimits ?? {}).map(([name, limit]) => {
      const { soft = 0, hard = 0 } = typeof limit === 'number' ? { soft: limit, hard: limit } : limit
      return { Name: name, Soft: soft, Hard: hard }
    }),
  }
}

function deviceRequests({ deploy, gpus }: ServiceConfig): readonly Json[] {
  const reserved = deploy?.resources.reservations?.devices ?? []
  const asked = (gpus ?? []).map((gpu) => ({ ...gpu, capabilities: [...(gpu.capabilities ?? []), 'gpu'] }))
  return [...reserved, ...asked].map(({ capabilities, driver, count, device_ids, options }) =>
    withoutEmpty({
      Capabilities: [capabilities ?? []],
      Driver: driver,
      Count: count,
      DeviceIDs: device_ids,
      Options: options,
    }),
  )
}

function blockLimits({ blkio_config: limits }: ServiceConfig): Json {
  type Rates = NonNullable<typeof limits>['device_read_bps']
  const rates = (list: Rates) => list?.map(({ path, rate }) => ({ Path: path, Rate: number(rate) }))
  return {
    BlkioWeight: limits?.weight,
    BlkioWeightDevice: limits?.weight_device?.map(({ path, weight }) => ({ Path: path, Weight: weight })),
    BlkioDeviceReadBps: rates(limits?.device_read_bps),
    BlkioDeviceReadIOps: rates(limits?.device_read_iops),
    BlkioDeviceWriteBps: rates(limits?.device_write_bps),
    BlkioDeviceWriteIOps: rates(limits?.device_write_iops),
  }
}

function healthcheck({ healthcheck: check }: ServiceConfig): Json | undefined {
  if (!check) return undefined
  return withoutEmpty({
    Test: check.disable ? ['NONE'] : check.test,
    Interval: nanoseconds(check.interval),
    Timeout: nanoseconds(check.timeout),
    StartPeriod: nanoseconds(check.start_period),
    StartInterval: nanoseconds(check.start_interval),
    Retries: check.retries,
  })
}

function exposedPorts({ ports = [], expose = [] }: ServiceConfig): Json {
  const published = ports.map(({ target, protocol }) => `${target}/${protocol}`)
  const exposed = expose.flatMap((text) => {
    const [range = '', protocol = 'tcp'] = text.split('/')
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`)
  })
  return Object.fromEntries([...published, ...exposed].map((key) => [key, {}]))
}

function seconds(duration: string | undefined): number | undefined {
  const ns = nanoseconds(duration)
  return ns === undefined ? undefined : Math.ceil(ns / 1e9)
}

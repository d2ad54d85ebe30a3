/**
 * The Compose file as data: key → kind. Everything that reads, checks, merges or hashes a file walks this table.
 * The keys of a record stand in the order of Compose's own structs, because config-hash is a digest of JSON in
 * that order (https://github.com/compose-spec/compose-go/blob/main/types/types.go).
 */

/** Plain values: what the file may hold → what the canonical model holds. */
export interface Leaves {
  /** A string; empty means absent. */
  text: string
  /** A string or a number, kept as text. */
  word: string
  /** A boolean whose default is false; false means absent. */
  flag: boolean
  /** A boolean for which absent differs from false. */
  switch: boolean
  /** A whole number; 0 means absent. */
  integer: number
  /** A whole number for which absent differs from 0. */
  count: number
  /** A number with 32 bits of precision; 0 means absent. */
  decimal: number
  /** `1m30s`, as Go prints it. */
  duration: string
  /** `64mb` and the like, as the number of bytes in decimal digits. */
  bytes: string
  /** A command: a string is split into words as a shell does; null when the image decides. */
  argv: readonly string[] | null
  /** A health check's test: a string is run by a shell. */
  test: readonly string[]
  /** One number, or `{ soft, hard }`. */
  limit: number | { readonly soft?: number; readonly hard?: number }
  /** `host=address`, sorted. */
  hosts: readonly string[]
  /** Anything at all, taken as it is. */
  any: unknown
}

/** Lists and maps that may also be written as short texts; file/short-forms.ts reads them. */
export type ShortForm = 'port' | 'mount' | 'device' | 'env-file' | 'dependency' | 'network'

/** What makes two entries of a merged list the same: the later one replaces the earlier one. */
export type Identity = 'value' | 'target' | 'path' | 'port'

/** What a key may hold. */
export type Kind =
  | keyof Leaves
  | { readonly oneOf: readonly string[] }
  | { readonly list: Kind; readonly single?: true; readonly short?: ShortForm; readonly identity?: Identity }
  | { readonly map: Kind; readonly short?: ShortForm; readonly nullable?: true }
  /** Text by text, also written as a list of `key=value`. A key without value is `''`, or null where that is a meaning. */
  | { readonly pairs: 'text' | 'nullable' }
  | {
      readonly record: Readonly<Record<string, Kind>>
      /** Always there in the canonical form: written in a file, or filled in by a default. */
      readonly required?: readonly string[]
      readonly defaults?: Readonly<Record<string, unknown>>
      /** Merged only with a record whose value under this key is the same; otherwise replaced. */
      readonly mergedBy?: string
      /** Written with nothing behind the colon, it is as good as absent. */
      readonly nullable?: true
    }
  /** Understood, not carried out; the reason goes into a warning. */
  | { readonly ignored: string }
  /** Understood, refused: running without it would be wrong. */
  | { readonly unsupported: string }

/** The canonical value of a kind. */
export type Canonical<K> = K extends keyof Leaves
  ? Leaves[K]
  : K extends { oneOf: readonly (infer Choice)[] }
    ? Choice
    : K extends { list: infer Item }
      ? readonly Canonical<Item>[]
      : K extends { map: infer Item; nullable: true }
        ? Readonly<Record<string, Canonical<Item> | null>>
        : K extends { map: infer Item }
          ? Readonly<Record<string, Canonical<Item>>>
          : K extends { pairs: infer Value }
            ? Readonly<Record<string, Value extends 'nullable' ? string | null : string>>
            : K extends { record: infer Keys; required: readonly (infer Required)[] }
              ? { readonly [P in Extract<Required, keyof Keys>]: Canonical<Keys[P]> } & {
                  readonly [P in Exclude<keyof Keys, Required>]?: Canonical<Keys[P]>
                }
              : K extends { record: infer Keys }
                ? { readonly [P in keyof Keys]?: Canonical<Keys[P]> }
                : unknown

const texts = { list: 'text' } as const
const textSet = { list: 'text', identity: 'value' } as const
const textOrTexts = { list: 'text', single: true, identity: 'value' } as const
const labels = { pairs: 'text' } as const
const options = { pairs: 'text' } as const

const updateConfig = {
  record: {
    parallelism: 'count',
    delay: 'duration',
    failure_action: 'text',
    monitor: 'duration',
    max_failure_ratio: 'decimal',
    order: { oneOf: ['start-first', 'stop-first'] },
  },
} as const

const deviceRequests = {
  list: {
    record: {
      capabilities: texts,
      driver: 'text',
      count: 'word',
      device_ids: texts,
      options,
    },
    required: ['capabilities'],
  },
} as const

const resources = {
  record: {
    limits: { record: { cpus: 'decimal', memory: 'bytes', pids: 'integer' } },
    reservations: {
      record: { cpus: 'decimal', memory: 'bytes', devices: deviceRequests, generic_resources: { list: 'any' } },
    },
  },
} as const

const deploy = {
  record: {
    mode: 'text',
    replicas: 'count',
    labels,
    update_config: updateConfig,
    rollback_config: updateConfig,
    resources,
    restart_policy: {
      record: { condition: 'text', delay: 'duration', max_attempts: 'count', window: 'duration' },
    },
    placement: {
      record: {
        constraints: texts,
        preferences: { list: { record: { spread: 'text' } } },
        max_replicas_per_node: 'integer',
      },
    },
    endpoint_mode: 'text',
  },
  // Structs, not pointers, in Compose: its JSON always has them.
  required: ['resources', 'placement'],
  defaults: { resources: {}, placement: {} },
  nullable: true,
} as const

const healthcheck = {
  record: {
    test: 'test',
    timeout: 'duration',
    interval: 'duration',
    retries: 'count',
    start_period: 'duration',
    start_interval: 'duration',
    disable: 'flag',
  },
} as const

const port = {
  record: {
    name: 'text',
    mode: { oneOf: ['ingress', 'host'] },
    host_ip: 'text',
    target: 'integer',
    published: 'word',
    protocol: { oneOf: ['tcp', 'udp', 'sctp'] },
    app_protocol: 'text',
  },
  required: ['target', 'mode', 'protocol'],
  defaults: { mode: 'ingress', protocol: 'tcp' },
} as const

const mount = {
  record: {
    type: { oneOf: ['bind', 'volume', 'tmpfs', 'image', 'npipe', 'cluster'] },
    source: 'text',
    target: 'text',
    read_only: 'flag',
    consistency: 'text',
    bind: {
      record: {
        selinux: { oneOf: ['z', 'Z'] },
        propagation: 'text',
        create_host_path: 'switch',
        recursive: { oneOf: ['enabled', 'disabled', 'writable', 'readonly'] },
      },
    },
    volume: { record: { labels, nocopy: 'flag', subpath: 'text' } },
    tmpfs: { record: { size: 'bytes', mode: 'integer' } },
    image: { record: { subpath: 'text' } },
  },
  required: ['type', 'target'],
} as const

const serviceNetwork = {
  record: {
    aliases: textSet,
    driver_opts: options,
    gw_priority: 'integer',
    interface_name: 'text',
    ipv4_address: 'text',
    ipv6_address: 'text',
    link_local_ips: textSet,
    mac_address: 'text',
    priority: 'integer',
  },
} as const

const dependency = {
  record: {
    condition: { oneOf: ['service_started', 'service_healthy', 'service_completed_successfully'] },
    restart: 'flag',
    required: 'switch',
  },
  required: ['condition', 'required'],
  defaults: { required: true },
} as const

/** One service. */
export const serviceKind = {
  record: {
    profiles: textSet,
    annotations: labels,
    attach: 'switch',
    build: { unsupported: 'images are not built here yet' },
    develop: { ignored: 'files are not watched for it' },
    blkio_config: { ignored: 'block I/O limits are not set' },
    cap_add: textSet,
    cap_drop: textSet,
    cgroup_parent: 'text',
    cgroup: { oneOf: ['host', 'private'] },
    cpu_count: 'integer',
    cpu_percent: 'decimal',
    cpu_period: 'integer',
    cpu_quota: 'integer',
    cpu_rt_period: 'integer',
    cpu_rt_runtime: 'integer',
    cpus: 'decimal',
    cpuset: 'text',
    cpu_shares: 'integer',
    command: 'argv',
    configs: { unsupported: 'configs are not mounted here yet' },
    container_name: 'text',
    credential_spec: { unsupported: 'it exists on Windows only' },
    depends_on: { map: dependency, short: 'dependency' },
    deploy,
    device_cgroup_rules: texts,
    devices: {
      list: { record: { source: 'text', target: 'text', permissions: 'text' }, required: ['source'] },
      short: 'device',
      identity: 'target',
    },
    dns: textOrTexts,
    dns_opt: textSet,
    dns_search: textOrTexts,
    domainname: 'text',
    entrypoint: 'argv',
    provider: { unsupported: 'services run by a provider plugin are not started here' },
    environment: { pairs: 'nullable' },
    env_file: {
      list: {
        record: { path: 'text', required: 'switch', format: 'text' },
        required: ['path', 'required'],
        defaults: { required: true },
      },
      short: 'env-file',
      single: true,
      identity: 'path',
    },
    expose: { list: 'word', identity: 'value' },
    extends: { unsupported: 'services are not extended here yet' },
    external_links: textSet,
    extra_hosts: 'hosts',
    group_add: { list: 'word' },
    gpus: { unsupported: 'GPUs are not handed to containers here yet' },
    hostname: 'text',
    healthcheck,
    image: 'text',
    init: 'switch',
    ipc: 'text',
    isolation: 'text',
    labels,
    label_file: { unsupported: 'labels are not read from files here yet' },
    links: textSet,
    logging: { record: { driver: 'text', options }, mergedBy: 'driver' },
    mem_limit: 'bytes',
    mem_reservation: 'bytes',
    memswap_limit: 'bytes',
    mem_swappiness: 'bytes',
    mac_address: 'text',
    models: { unsupported: 'language models are not started here' },
    network_mode: 'text',
    networks: { map: serviceNetwork, short: 'network', nullable: true },
    oom_kill_disable: 'flag',
    oom_score_adj: 'integer',
    pid: 'text',
    pids_limit: 'integer',
    platform: 'text',
    ports: { list: port, short: 'port', identity: 'port' },
    privileged: 'flag',
    pull_policy: 'text',
    pull_refresh_after: { ignored: 'images are pulled when they are missing' },
    read_only: 'flag',
    restart: 'text',
    runtime: 'text',
    scale: 'count',
    secrets: { unsupported: 'secrets are not mounted here yet' },
    security_opt: texts,
    shm_size: 'bytes',
    stdin_open: 'flag',
    stop_grace_period: 'duration',
    stop_signal: 'text',
    storage_opt: options,
    sysctls: { pairs: 'text' },
    tmpfs: textOrTexts,
    tty: 'flag',
    ulimits: { map: 'limit' },
    use_api_socket: { unsupported: 'no container gets the Docker socket from here' },
    user: 'text',
    userns_mode: 'text',
    uts: 'text',
    volumes: { list: mount, short: 'mount', identity: 'target' },
    volumes_from: { unsupported: 'mounts are not taken over from other services here yet' },
    working_dir: 'text',
    pre_start: { unsupported: 'hooks are not run here; without this one the service would start unprepared' },
    post_start: { ignored: 'hooks are not run' },
    pre_stop: { ignored: 'hooks are not run' },
  },
  required: ['command', 'entrypoint'],
  defaults: { command: null, entrypoint: null },
} as const satisfies Kind

/** One entry of the top-level `networks`. */
export const networkKind = {
  record: {
    name: 'text',
    driver: 'text',
    driver_opts: options,
    ipam: {
      record: {
        driver: 'text',
        config: {
          list: { record: { subnet: 'text', gateway: 'text', ip_range: 'text', aux_addresses: options } },
        },
        options,
      },
    },
    external: 'flag',
    internal: 'flag',
    attachable: 'flag',
    labels,
    enable_ipv4: 'switch',
    enable_ipv6: 'switch',
  },
  required: ['ipam'],
  defaults: { ipam: {} },
} as const satisfies Kind

/** One entry of the top-level `volumes`. */
export const volumeKind = {
  record: { name: 'text', driver: 'text', driver_opts: options, external: 'flag', labels },
} as const satisfies Kind

/** A whole file. */
export const fileKind = {
  record: {
    version: { ignored: 'it has no meaning any more; remove it' },
    name: 'text',
    include: { unsupported: 'other files are not included here yet' },
    services: { map: serviceKind },
    networks: { map: networkKind },
    volumes: { map: volumeKind },
    secrets: { unsupported: 'secrets are not mounted here yet' },
    configs: { unsupported: 'configs are not mounted here yet' },
    models: { unsupported: 'language models are not started here' },
  },
} as const satisfies Kind

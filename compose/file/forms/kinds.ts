/**
 * The Compose file as data: key → kind. What a file may hold is the JSON schema's to say (spec/); this table says what
 * becomes of it, and everything that writes out, merges, prints or hashes a file walks it. The keys of a record stand in the order of Compose's own structs, because config-hash is a digest of JSON in
 * that order (https://github.com/compose-spec/compose-go/blob/main/types/types.go).
 */

/** Plain values: what the file may hold → what the canonical model holds. */
export interface Leaves {
  /** A string; empty means absent. */
  text: string
  /** A string, a number or a boolean, kept as text. */
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
  /** How many devices; all of them are -1. */
  devices: number
  /** `1m30s`, as Go prints it. */
  duration: string
  /** A duration; none means absent. */
  delay: string
  /** `64mb` and the like, as the number of bytes in decimal digits. */
  bytes: string
  /** The permissions of a file in octal digits: `0444`. */
  mode: string
  /** A path of this machine, absolute. */
  path: string
  /** A directory to build from, absolute, or something that the builder fetches. */
  context: string
  /** A command: a string is split into words as a shell does; null when the image decides. */
  argv: readonly string[] | null
  /** A health check's test: a string is run by a shell. */
  test: readonly string[]
  /** One number, or `{ soft, hard }`. */
  limit: number | { readonly soft?: number; readonly hard?: number }
  /** `host=address`, sorted. */
  hosts: readonly string[]
  /** Keys for SSH: `id` or `id=path`. */
  ssh: readonly string[]
  /** Anything at all, taken as it is. */
  any: unknown
}

/** Entries that may also be written shorter; short-forms.ts reads them. */
export type ShortForm =
  | 'build'
  | 'dependency'
  | 'device'
  | 'env-file'
  | 'extends'
  | 'external'
  | 'file-reference'
  | 'gpu'
  | 'include'
  | 'mount'
  | 'network'
  | 'port'

/** What makes two entries of a merged list the same: the later one replaces the earlier one. */
export type Identity = 'value' | 'target' | 'path' | 'port' | 'secret' | 'config' | 'subnet'

/** What a key may hold. */
export type Kind =
  | keyof Leaves
  /** A word that the schema knows. */
  | { readonly oneOf: readonly string[] }
  | { readonly list: Kind; readonly single?: true; readonly short?: ShortForm; readonly identity?: Identity }
  | { readonly map: Kind; readonly short?: ShortForm; readonly nullable?: true }
  /**
   * Text by text, also written as a list of `key=value`. A key without value is `''`, or null where that is a meaning;
   * `context`: the values are such.
   */
  | { readonly pairs: 'text' | 'nullable' | 'context' }
  | {
      readonly record: Readonly<Record<string, Kind>>
      /** Always there in the canonical form: written in a file, or filled in by a default. */
      readonly required?: readonly string[]
      /** As they would be written in a file. */
      readonly defaults?: Readonly<Record<string, unknown>>
      /** Default → the key that makes it unnecessary. */
      readonly unless?: Readonly<Record<string, string>>
      readonly short?: ShortForm
      /** Merged only with a record whose value under this key is the same; otherwise replaced. */
      readonly mergedBy?: string
      /** Where it names a path of this machine, under conditions: a mount that is a bind, a volume that is one in disguise. */
      readonly place?: 'mount' | 'volume'
      /** Keys that Compose's JSON spells otherwise than its YAML. */
      readonly inJson?: Readonly<Record<string, string>>
    }

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
    delay: 'delay',
    failure_action: 'text',
    monitor: 'delay',
    max_failure_ratio: 'decimal',
    order: { oneOf: ['start-first', 'stop-first'] },
  },
} as const

const deviceRequest = {
  record: { capabilities: texts, driver: 'text', count: 'devices', device_ids: texts, options },
  defaults: { count: 'all' },
  unless: { count: 'device_ids' },
} as const

const genericResource = {
  record: { discrete_resource_spec: { record: { kind: 'text', value: 'count' } } },
} as const

const resources = {
  record: {
    limits: { record: { cpus: 'decimal', memory: 'bytes', pids: 'integer' } },
    reservations: {
      record: {
        cpus: 'decimal',
        memory: 'bytes',
        devices: { list: { ...deviceRequest, required: ['capabilities'] } },
        generic_resources: { list: genericResource },
      },
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
    mode: 'text',
    host_ip: 'text',
    target: 'integer',
    published: 'word',
    protocol: 'text',
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
  place: 'mount',
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

const hook = {
  record: {
    command: 'argv',
    user: 'text',
    privileged: 'flag',
    working_dir: 'text',
    environment: { pairs: 'nullable' },
  },
  required: ['command'],
  defaults: { command: null },
} as const

const develop = {
  record: {
    watch: {
      list: {
        record: {
          path: 'path',
          action: { oneOf: ['rebuild', 'sync', 'restart', 'sync+restart', 'sync+exec'] },
          target: 'text',
          exec: hook,
          include: { list: 'text', single: true },
          ignore: { list: 'text', single: true },
          initial_sync: 'flag',
        },
        required: ['path', 'action', 'exec'],
        defaults: { exec: {} },
      },
    },
  },
} as const

const weight = {
  record: { path: 'text', weight: 'integer' },
  required: ['path', 'weight'],
  inJson: { path: 'Path', weight: 'Weight' },
} as const

const rate = {
  record: { path: 'text', rate: 'bytes' },
  required: ['path', 'rate'],
  inJson: { path: 'Path', rate: 'Rate' },
} as const

const blkio = {
  record: {
    weight: 'integer',
    weight_device: { list: weight },
    device_read_bps: { list: rate },
    device_read_iops: { list: rate },
    device_write_bps: { list: rate },
    device_write_iops: { list: rate },
  },
} as const

const fileReference = {
  record: { source: 'text', target: 'text', uid: 'text', gid: 'text', mode: 'mode' },
  required: ['source'],
} as const

const ulimits = { map: 'limit' } as const

const build = {
  record: {
    context: 'context',
    dockerfile: 'text',
    dockerfile_inline: 'text',
    entitlements: texts,
    args: { pairs: 'nullable' },
    provenance: 'word',
    sbom: 'word',
    ssh: 'ssh',
    labels,
    cache_from: texts,
    cache_to: texts,
    no_cache: 'flag',
    no_cache_filter: { list: 'text', single: true },
    additional_contexts: { pairs: 'context' },
    pull: 'flag',
    extra_hosts: 'hosts',
    isolation: 'text',
    network: 'text',
    target: 'text',
    secrets: { list: fileReference, short: 'file-reference' },
    shm_size: 'bytes',
    tags: textSet,
    ulimits,
    platforms: texts,
    privileged: 'flag',
  },
  required: ['context'],
  defaults: { context: '.', dockerfile: 'Dockerfile' },
  unless: { dockerfile: 'dockerfile_inline' },
  short: 'build',
} as const

/** One service. */
export const serviceKind = {
  record: {
    profiles: textSet,
    annotations: labels,
    attach: 'switch',
    build,
    develop,
    blkio_config: blkio,
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
    configs: { list: fileReference, short: 'file-reference', identity: 'config' },
    container_name: 'text',
    credential_spec: 'any',
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
    provider: 'any',
    environment: { pairs: 'nullable' },
    env_file: {
      list: {
        record: { path: 'path', required: 'switch', format: 'text' },
        required: ['path', 'required'],
        defaults: { required: true },
      },
      short: 'env-file',
      single: true,
      identity: 'path',
    },
    expose: { list: 'word', identity: 'value' },
    extends: { record: { service: 'text', file: 'context' }, required: ['service'], short: 'extends' },
    external_links: texts,
    extra_hosts: 'hosts',
    group_add: { list: 'word' },
    gpus: { list: deviceRequest, single: true, short: 'gpu' },
    hostname: 'text',
    healthcheck,
    image: 'text',
    init: 'switch',
    ipc: 'text',
    isolation: 'text',
    labels,
    label_file: { list: 'path', single: true },
    links: textSet,
    logging: { record: { driver: 'text', options }, mergedBy: 'driver' },
    mem_limit: 'bytes',
    mem_reservation: 'bytes',
    memswap_limit: 'bytes',
    mem_swappiness: 'bytes',
    mac_address: 'text',
    models: 'any',
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
    pull_refresh_after: 'text',
    read_only: 'flag',
    restart: 'text',
    runtime: 'text',
    scale: 'count',
    secrets: { list: fileReference, short: 'file-reference', identity: 'secret' },
    security_opt: texts,
    shm_size: 'bytes',
    stdin_open: 'flag',
    stop_grace_period: 'duration',
    stop_signal: 'text',
    storage_opt: options,
    sysctls: { pairs: 'text' },
    tmpfs: textOrTexts,
    tty: 'flag',
    ulimits,
    use_api_socket: 'flag',
    user: 'text',
    userns_mode: 'text',
    uts: 'text',
    volumes: { list: mount, short: 'mount', identity: 'target' },
    volumes_from: texts,
    working_dir: 'text',
    pre_start: 'any',
    post_start: { list: hook },
    pre_stop: { list: hook },
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
          identity: 'subnet',
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
  short: 'external',
} as const satisfies Kind

/** One entry of the top-level `volumes`. */
export const volumeKind = {
  record: { name: 'text', driver: 'text', driver_opts: options, external: 'flag', labels },
  short: 'external',
  place: 'volume',
} as const satisfies Kind

/** One entry of the top-level `secrets` and `configs`. */
export const fileObjectKind = {
  record: {
    name: 'text',
    file: 'path',
    environment: 'text',
    content: 'text',
    external: 'flag',
    labels,
    driver: 'text',
    driver_opts: options,
    template_driver: 'text',
  },
  short: 'external',
} as const satisfies Kind

/** A whole file. */
export const fileKind = {
  record: {
    version: 'text',
    name: 'text',
    include: {
      list: {
        record: {
          path: { list: 'context', single: true },
          project_directory: 'path',
          env_file: { list: 'path', single: true },
        },
        required: ['path'],
      },
      short: 'include',
    },
    services: { map: serviceKind },
    networks: { map: networkKind },
    volumes: { map: volumeKind },
    secrets: { map: fileObjectKind },
    configs: { map: fileObjectKind },
    models: { map: 'any' },
  },
} as const satisfies Kind

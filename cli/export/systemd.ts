/** A file of an export: where it belongs below /etc, and what it says. */
export interface ExportedFile {
  readonly path: string
  readonly mode: number
  readonly text: string
}

/** What the units are made of. */
export interface SystemdFacts {
  /** Of the project; the units are `<name>-worker@` and `<name>-beat`. */
  readonly name: string
  /** The project's directory. */
  readonly directory: string
  /** The words that run this command line: absolute paths. */
  readonly command: readonly string[]
  /** As `-A` takes it; by default the app is found in the directory. */
  readonly app: string | undefined
  readonly user: string
  readonly group: string
  readonly hasBeat: boolean
}

/** Units for systemd, with their settings and directories; each where it belongs below /etc. */
export function systemdFiles(facts: SystemdFacts): ExportedFile[] {
  const { name, hasBeat } = facts
  return [
    { path: `systemd/system/${name}-worker@.service`, mode: 0o644, text: workerUnit(facts) },
    ...(hasBeat ? [{ path: `systemd/system/${name}-beat.service`, mode: 0o644, text: beatUnit(facts) }] : []),
    { path: `default/${name}`, mode: 0o600, text: environment(facts) },
    { path: `tmpfiles.d/${name}.conf`, mode: 0o644, text: directories(facts) },
  ]
}

const workerUnit = (facts: SystemdFacts) => `\
# The workers of ${facts.name}: ${facts.name}-worker@1, ${facts.name}-worker@2 … by any names.
#
# One unit a worker, rather than one that runs \`multi\`: systemd watches the worker itself, so it needs no pid file,
# restarts the one that failed and no other, and has each log in its journal.

[Unit]
Description=Worker %i of ${facts.name}
After=network-online.target
Wants=network-online.target

[Service]
Type=exec
${place(facts)}
ExecStart=${execStart(facts, ['worker', '-n', '%i@%H'])} $WORKER_OPTIONS

# A warm shutdown: the worker alone is asked, ends its children itself, and lets its tasks finish. Give it as long as
# your longest task takes; what it has not finished by then is cut off.
KillMode=mixed
KillSignal=SIGTERM
TimeoutStopSec=10min

# A child that runs out of memory costs its task, and the worker replaces it.
OOMPolicy=continue

${restart}

${hardening}

[Install]
WantedBy=multi-user.target
`

const beatUnit = (facts: SystemdFacts) => `\
# Sends the periodic tasks of ${facts.name}. One in all is enough; several need --scheduler redis.

[Unit]
Description=Beat of ${facts.name}
After=network-online.target
Wants=network-online.target

[Service]
Type=exec
${place(facts)}
ExecStart=${execStart(facts, ['beat', '-s', `/var/lib/${facts.name}/celerybeat-schedule.json`])} $BEAT_OPTIONS
KillMode=mixed
TimeoutStopSec=30

${restart}

${hardening}

[Install]
WantedBy=multi-user.target
`

const place = ({ name, directory, user, group }: SystemdFacts) => `\
User=${user}
Group=${group}
WorkingDirectory=${directory.replaceAll('%', '%%')}
EnvironmentFile=/etc/default/${name}
StateDirectory=${name}`

const restart = `\
# Exit code 2 is a wrong call, which does not get better.
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=2`

const hardening = `\
# What no task needs. What some do stays: /tmp, /home, the network, devices, and memory that is written and run, which
# is where JavaScript is compiled to.
NoNewPrivileges=yes
ProtectSystem=full
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes`

const environment = ({ name }: SystemdFacts) => `\
# Settings of the workers of ${name}. It holds passwords: for root alone, who hands them on.
CELERY_BROKER_URL=amqp://${name}:change-me@127.0.0.1:5672//
CELERY_RESULT_BACKEND=redis://127.0.0.1:6379/0
NODE_ENV=production

# Options of every worker, and of beat.
WORKER_OPTIONS=--loglevel info
BEAT_OPTIONS=--loglevel info
`

const directories = ({ name, user, group }: SystemdFacts) => `\
# For pid files and logs of daemons that are started by hand:
#   celery-sandbox multi start 2 --pidfile=/run/${name}/%n.pid --logfile=/var/log/${name}/%n.log
d /run/${name} 0755 ${user} ${group} -
d /var/log/${name} 0750 ${user} ${group} -
`

function execStart({ command, app }: SystemdFacts, words: readonly string[]): string {
  const [verb = '', ...options] = words
  const chosen = app === undefined ? [] : ['-A', quoted(app)]
  return [...command.map(quoted), verb, ...chosen, ...options].join(' ')
}

/** One word, in which systemd expands nothing. */
function quoted(word: string): string {
  const literal = word.replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[\w@%+=:,./$-]+$/.test(literal) ? literal : `"${literal.replaceAll(/["\\]/g, '\\$&')}"`
}

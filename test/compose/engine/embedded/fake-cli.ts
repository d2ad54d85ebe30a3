/** Stands for our CLI: `worker <behaviour as JSON>`; says where it is when it has nothing else to say. */
const behaviour = JSON.parse(process.argv[3] ?? '{}')
for (const request of ['disconnect', 'SIGTERM']) process.on(request, () => behaviour.stubborn || process.exit(0))
for (const line of behaviour.says ?? []) console.log(line)
if (behaviour.exits !== undefined) process.exit(behaviour.exits)
setInterval(() => {}, 1000)
if (behaviour.tells) {
  const told = Object.fromEntries(behaviour.tells.map((name: string) => [name, process.env[name]]))
  console.log(JSON.stringify({ ...told, pid: process.pid, cwd: process.cwd() }))
}

export {}

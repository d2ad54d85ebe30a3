/** Stands for a broker: `--port N`; answers anything with the password it was given. */
import { createServer } from 'node:net'

const port = Number(process.argv[process.argv.indexOf('--port') + 1])
const server = createServer((socket) => {
  socket.on('data', () => socket.end(`${process.env.CELERY_SANDBOX_BROKER_PASSWORD}\n`))
  socket.on('error', () => {})
})
server.listen(port, '127.0.0.1', () => console.log('ready'))
process.on('disconnect', () => process.exit(0))
process.on('SIGTERM', () => process.exit(0))

import { parentPort, workerData } from 'node:worker_threads'
import { createDispatcher, type Dispatcher } from '../events/dispatcher.ts'
import { Once } from '../once.ts'
import { LamportClock } from '../protocol/lamport.ts'
import { openTransport } from '../transport/open.ts'
import { vitalSigns } from './heartbeat.ts'
import type { StandInDuty } from './stand-in.ts'
import { Vitals } from './vitals.ts'

// The entry of the thread: looks now and then whether the event loop still beats, and beats for it when not.

const { url, options, hostname, intervalMs, memory }: StandInDuty = workerData
const vitals = new Vitals(memory)
const lamport = new LamportClock()
const transport = new Once(() => openTransport(url, options))
let beatAt = 0

// Monitors give a worker up after two intervals.
const timer = setInterval(() => {
  const last = Math.max(vitals.beatAt, beatAt)
  if (vitals.beatAt > 0 && Date.now() - last > intervalMs * 1.25) void beat()
}, intervalMs / 4)

async function beat(): Promise<void> {
  beatAt = Date.now()
  const events = await dispatcher().catch(() => undefined)
  // Without a broker nobody hears anyone; and meanwhile the loop may be back.
  if (!events || vitals.beatAt > beatAt) return
  lamport.adjust(vitals.clock)
  events.send('worker-heartbeat', vitalSigns(vitals, intervalMs))
  vitals.clock = lamport.value
}

async function dispatcher(): Promise<Dispatcher> {
  return createDispatcher(await transport.get(), { hostname, clock: lamport, now: Date.now })
}

parentPort?.once('message', async () => {
  clearInterval(timer)
  await transport.release((open) => open.close())
  parentPort?.close()
})

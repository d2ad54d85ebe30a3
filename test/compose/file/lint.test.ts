import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { examineProject } from '../../../compose/file/project.ts'

function adviceOn(text: string): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'compose-lint-'))
  try {
    writeFileSync(join(directory, 'compose.yaml'), text)
    return examineProject({ directory, env: {} }).advice
  } finally {
    rmSync(directory, { recursive: true })
  }
}

it.each([
  [
    '{ image: "redis:8", ports: ["6379:6379"] }',
    'anybody who reaches this machine reaches it: write 127.0.0.1:6379:6379',
  ],
  ['{ image: "rabbitmq:4", ports: ["0.0.0.0:5672:5672"] }', 'write 127.0.0.1:5672:5672'],
  ['{ image: worker }', 'worker is another image tomorrow'],
  ['{ image: "reg:5000/worker:latest" }', 'is another image tomorrow'],
  ['{ image: "a:1", ports: ["80:80"], scale: 2 }', '2 containers cannot all have port 80'],
  ['{ image: "a:1", healthcheck: { test: x } }', 'looks for the first time after 30 s'],
  ['{ image: "a:1", healthcheck: { test: x, interval: 10s } }', 'after 10 s'],
  ['{ image: "a:1", command: sh -c "run it" }', 'does not pass on the signal to stop'],
  ['{ image: "a:1", depends_on: { other: { condition: service_healthy } } }', 'other has no healthcheck here'],
])('%s is advised', (service, advice) => {
  const found = adviceOn(`services:\n  app: ${service}\n  other: { image: "o:1" }\n`)
  expect(found).toHaveLength(1)
  expect(found[0]).toMatch(/^compose\.yaml:2:\d+ services\.app\./)
  expect(found[0]).toContain(advice)
})

it.each([
  '{ image: "redis:8", ports: ["127.0.0.1:6379:6379", "6379"] }',
  '{ image: "worker@sha256:aaaa" }',
  '{ build: . }',
  '{ image: "a:1", ports: ["80-90:80"], scale: 2 }',
  '{ image: "a:1", healthcheck: { test: x, interval: 2s } }',
  '{ image: "a:1", healthcheck: { test: x, start_period: 1m, start_interval: 1s } }',
  '{ image: "a:1", command: sh -c "prepare; exec run" }',
  '{ image: "a:1", command: sh -c "run", init: true }',
])('%s is not', (service) => {
  expect(adviceOn(`services: { app: ${service} }\n`)).toEqual([])
})

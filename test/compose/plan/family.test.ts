import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ContainerState } from '../../../compose/engine/engine.ts'
import { chooseFamily } from '../../../compose/plan/family.ts'

let config = ''

beforeEach(() => {
  config = mkdtempSync(join(tmpdir(), 'docker-config-'))
})

afterEach(() => rmSync(config, { recursive: true }))

function installPlugin(script: string): void {
  mkdirSync(join(config, 'cli-plugins'))
  const plugin = join(config, 'cli-plugins', 'docker-compose')
  writeFileSync(plugin, `#!/bin/sh\n${script}\n`)
  chmodSync(plugin, 0o755)
}

const made = (version: string) => ({ labels: { 'com.docker.compose.version': version } }) as unknown as ContainerState

describe('the family of hashes to write', () => {
  it('is that of the containers there are', async () => {
    installPlugin('echo 2.40.3')
    expect(await chooseFamily([made('5.1.0')], { DOCKER_CONFIG: config })).toBe('v5')
    expect(await chooseFamily([made(''), made('2.31.0')], { DOCKER_CONFIG: config })).toBe('v2')
  })

  it('is that of the Compose plugin the user has, when there are no containers', async () => {
    installPlugin('[ "$1 $2" = "version --short" ] && echo v2.40.3-desktop.1')
    expect(await chooseFamily([], { DOCKER_CONFIG: config })).toBe('v2')
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Sandbox } from '../docker/docker.ts'
import { cliCommand } from '../support/cli.ts'
import { describeWith } from '../support/parts.ts'
import { openTerminal } from '../support/terminal.ts'

const hears = `["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"]`

describeWith(['docker', 'images', 'tmux'], 'a terminal in a container', () => {
  const sandbox = new Sandbox()
  beforeAll(async () => {
    sandbox.write(`services: { worker: { image: $NODE, command: ${hears} } }`)
    await sandbox.up()
  })
  afterAll(() => sandbox.remove())

  const open = (words: string) =>
    openTerminal(`${cliCommand} ${words}`, { cwd: sandbox.directory, env: sandbox.env, columns: 90, rows: 24 })

  describe('of exec', () => {
    it('is a shell with the size of the one outside, in which Ctrl-C is for the program', async () => {
      await using terminal = await open('exec worker sh')
      await terminal.until(/^[#$] ?$/m)
      await terminal.enter('stty size; echo $((6 * 7))')
      await terminal.until(/24 90\s+42/)
      await terminal.resize(70, 20)
      await terminal.enter('until [ "$(stty size)" = "20 70" ]; do sleep 0.1; done; echo fits $((6 + 6))')
      await terminal.until('fits 12')
      await terminal.enter('sleep 100')
      await terminal.press('C-c')
      await terminal.enter('echo still $((1 + 1))')
      await terminal.until('still 2')
      await terminal.enter('exit 9')
      expect(await terminal.exit()).toBe(9)
      expect(await terminal.flags()).toEqual({ alternateScreen: false, cursorVisible: true, cooked: true })
    })
  })

  describe('of run', () => {
    it('goes with its shell', async () => {
      await using terminal = await open('run --rm worker sh')
      await terminal.until(/^[#$] ?$/m)
      await terminal.enter('stty size; exit 4')
      await terminal.until(/24 90/)
      expect(await terminal.exit()).toBe(4)
      expect(await terminal.flags()).toMatchObject({ cooked: true })
      expect((await (await sandbox.open()).ps()).filter(({ oneOff }) => oneOff)).toEqual([])
    })
  })

  it('shows what containers use in one place, and leaves the terminal as it was', async () => {
    await using terminal = await open('stats')
    await terminal.until(/worker-1 +–/)
    const screen = await terminal.until(/worker-1 +\d+\.\d\d%/)
    expect(screen.match(/NAME +CPU %/g)).toHaveLength(1)
    await terminal.press('C-c')
    expect(await terminal.exit()).toBe(0)
    expect(await terminal.flags()).toEqual({ alternateScreen: false, cursorVisible: true, cooked: true })
  })
})

import { expect, it } from 'vitest'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith } from '../support/parts.ts'
import { openTerminal } from '../support/terminal.ts'

failOnLeaks()

describeWith(['tmux'], 'the terminal of the tests', () => {
  it('shows what a program writes and hands it what is typed', async () => {
    await using terminal = await openTerminal('cat', { columns: 40, rows: 10 })
    await terminal.enter('hello; "you" $HOME')
    expect(await terminal.until(/you.*\n.*you/)).toBe('hello; "you" $HOME\nhello; "you" $HOME')
    await terminal.press('C-d')
    expect(await terminal.exit()).toBe(0)
  })

  it('knows its size and what the program made of it, also after the end', async () => {
    const script = `printf '\\033[?1049h\\033[?25l'; stty raw -echo; stty size; head -c 1; printf '\\033[?1049l'; exit 3`
    await using terminal = await openTerminal(script, { columns: 72, rows: 20 })
    await terminal.until('20 72')
    expect(await terminal.flags()).toEqual({ alternateScreen: true, cursorVisible: false, cooked: false })
    await terminal.type('x')
    expect(await terminal.exit()).toBe(3)
    expect(await terminal.flags()).toEqual({ alternateScreen: false, cursorVisible: false, cooked: false })
  })

  it('outlives a program that Ctrl-C ends', async () => {
    await using terminal = await openTerminal('echo started; sleep 60')
    await terminal.until('started')
    await terminal.press('C-c')
    expect(await terminal.exit()).toBe(130)
    expect(await terminal.flags()).toEqual({ alternateScreen: false, cursorVisible: true, cooked: true })
  })

  it('can be resized while a program runs', async () => {
    const script = `process.stdout.on('resize', () => console.log(...process.stdout.getWindowSize())); console.log('ready')`
    await using terminal = await openTerminal(`node -e "${script}; setInterval(() => {}, 1000)"`)
    await terminal.until('ready')
    await terminal.resize(60, 15)
    await terminal.until('60 15')
  })
})

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { cli, cliCommand, makeProject, temporaryDirectory } from '../support/cli.ts'
import { describeWith } from '../support/parts.ts'
import { answer } from '../support/process.ts'
import { openTerminal, type Terminal } from '../support/terminal.ts'
import { until } from '../support/wait.ts'

const noDocker = { DOCKER_HOST: 'unix:///nope' }

/** How a shell wants to find its terminal again. */
const sane = { alternateScreen: false, cursorVisible: true, cooked: true }

/** It ends with this code, and so that a shell can go on. */
async function leaves(terminal: Terminal, code = 0): Promise<void> {
  expect(await terminal.exit()).toBe(code)
  expect(await terminal.flags()).toEqual(sane)
}

/** Types lines into the REPL, and waits for what each shall bring. */
async function talk(repl: Terminal, ...lines: [line: string, shows: RegExp | string][]): Promise<void> {
  for (const [line, shows] of lines) {
    await repl.enter(line)
    await repl.until(shows)
  }
}

describeWith(['tmux'], 'in a terminal, init', () => {
  it('asks, shows what it will make, and makes it', async () => {
    await using home = await temporaryDirectory()
    await using terminal = await openTerminal(`${cliCommand} init --skip-install`, { cwd: home.path })
    await terminal.until('Project')
    await terminal.type('shop')
    await terminal.until('shop')
    await terminal.press('Enter')
    await terminal.until('RabbitMQ, and Redis for results')
    await terminal.press('Down')
    await terminal.until('❯ Redis for both')
    await terminal.press('Enter')
    await terminal.until('tasks/arithmetics.ts')
    await terminal.press('Enter')
    const screen = await terminal.until('Next:')
    expect(screen).toContain('celery-sandbox init shop --template minimal --broker redis --yes')
    await leaves(terminal)
    expect(await readdir(join(home.path, 'shop'))).toContain('compose.yaml')
  })

  it.each([['Escape'], ['C-c']])('makes nothing when it is left with %s, and restores the terminal', async (key) => {
    await using home = await temporaryDirectory()
    await using terminal = await openTerminal(`${cliCommand} init`, { cwd: home.path })
    await terminal.until('Project')
    await terminal.press(key)
    await leaves(terminal, 130)
    expect(await readdir(home.path)).toEqual([])
  })
})

describeWith(['tmux'], 'in a terminal, a stack', () => {
  let home: Awaited<ReturnType<typeof temporaryDirectory>>
  let cwd: string
  beforeAll(async () => {
    home = await temporaryDirectory()
    cwd = await makeProject(home.path)
  })
  afterAll(async () => {
    await cli(['down'], { cwd, env: noDocker })
    await home[Symbol.asyncDispose]()
  })

  /** Those of the stack. */
  const processes = async () => (await answer('pgrep', ['-af', cwd])) ?? ''
  const openRepl = async () => {
    const repl = await openTerminal(`${cliCommand} repl`, { cwd, env: noDocker })
    await repl.until('celery>')
    return repl
  }

  it('goes up with a row for each container, shows its logs, and Ctrl-C takes it down', async () => {
    await using terminal = await openTerminal(`${cliCommand} up`, { cwd, env: noDocker, columns: 120 })
    await terminal.until(/✓ shop-worker-1 +healthy/)
    await terminal.until('Ready. Ctrl-C takes the stack down.')
    await terminal.press('C-c')
    await terminal.until('shop-redis-1 removed')
    await leaves(terminal)
    expect(await processes()).toBe('')
  })

  it('that is interrupted while it starts leaves nothing', async () => {
    await using terminal = await openTerminal(`${cliCommand} up -d`, { cwd, env: noDocker })
    await terminal.until('shop-worker-1')
    await terminal.press('C-c')
    await leaves(terminal, 130)
    expect(await processes()).toBe('')
  })

  it('goes with the terminal that it was started in', async () => {
    const terminal = await openTerminal(`${cliCommand} up`, { cwd, env: noDocker })
    await terminal.until('Ready.')
    await terminal.close()
    await until(async () => !(await processes()), { describe: 'its processes to end' })
  })

  it('is talked to in the REPL: completion, await, errors, history', async () => {
    expect(await cli(['up', '-d'], { cwd, env: noDocker })).toMatchObject({ code: 0 })
    await using terminal = await openRepl()
    await terminal.type('await add.de')
    await terminal.until('add.de')
    await terminal.press('Tab')
    await terminal.until(/celery> await add\.delay$/m)
    await talk(
      terminal,
      ['(4, 4).get()', /^8$/m],
      ['add.delay(1)', 'Uncaught TypeError: add(x, y) is missing 1 argument: y'],
      ['await div.delay(1, 0).get()', 'Uncaught ValueError: cannot divide 1 by zero'],
    )
    await terminal.enter('.exit')
    await leaves(terminal)

    await using later = await openRepl()
    await later.press('Up', 'Up')
    await later.until('celery> await div.delay(1, 0).get()')
    await later.press('C-d')
    await later.press('C-c')
    await later.press('C-d')
    await leaves(later)
  })

  it('lets Ctrl-C end what the REPL waits for or evaluates, and stays', async () => {
    await using terminal = await openRepl()
    const begun = "setTimeout(() => console.log('be' + 'gun'), 100)"
    const endless = [
      `${begun}; await add.applyAsync({ args: [1, 2], queue: 'nobody' }).get()`,
      `${begun}; await new Promise(() => {})`,
      "console.log('be' + 'gun'); while (true) {}",
    ]
    for (const [index, program] of endless.entries()) {
      await talk(terminal, [program, new RegExp(`(^begun[^]*){${index + 1}}`, 'm')])
      await terminal.press('C-c')
      await terminal.until(new RegExp(`(interrupted[^]*){${index + 1}}celery>$`))
    }
    await talk(terminal, ['await add.delay(20, 1).get()', /^21$/m])
    await terminal.press('C-d')
    await leaves(terminal)
  })

  it('ends the REPL by a signal from outside, also while it waits', async () => {
    await using terminal = await openRepl()
    await terminal.enter('process.kill(process.pid, "SIGTERM"); await new Promise(() => {})')
    await leaves(terminal)
  })

  it.each([
    ["repl -e 'console.log(1); await add.applyAsync({ args: [1, 2], queue: `nobody` }).get()'", /^1$/m],
    ["call arithmetics.add -a '[1, 2]' -Q nobody --wait", /^[0-9a-f-]{36}$/m],
    // Of these the first words on the network must do.
    ['result 8148dd9f-5191-40b4-92f8-43ccdafad1dc', /NET/],
    ['inspect ping -d nobody@here -t 60', /NET/],
  ])('ends at the first Ctrl-C: %s', async (command, begun) => {
    const env = { ...noDocker, ...(begun.source === 'NET' && { NODE_DEBUG: 'net' }) }
    await using terminal = await openTerminal(`${cliCommand} ${command}`, { cwd, env })
    await terminal.until(begun)
    await terminal.press('C-c')
    expect(await terminal.exit()).toBe(130)
  })

  it('uses no colour where none is wanted', async () => {
    await using terminal = await openTerminal(`${cliCommand} ps | cat -v`, { cwd, env: { ...noDocker, NO_COLOR: '1' } })
    expect(await terminal.until('shop-worker-2')).not.toContain('^[')
  })
})

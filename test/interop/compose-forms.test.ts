import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { StackError } from '../../compose/errors.ts'
import { printModel } from '../../compose/file/print.ts'
import { openProject } from '../../compose/file/project.ts'
import { describeWith, parts } from '../support/parts.ts'
import { run } from '../support/process.ts'

const env = { HOME: '/home/nobody', PATH: process.env.PATH ?? '', SET: 'set', EMPTY: '', NUMBER: '7' }

const pieces = (...words: string[]) => fc.constantFrom(...words)
const glued = (piece: fc.Arbitrary<string>, maxLength: number) =>
  fc.array(piece, { maxLength }).map((all) => all.join(''))

/** Values with variables, defaults in defaults, and what looks like either. */
const template = fc.letrec<{ reference: string; text: string }>((tie) => {
  const name = pieces('SET', 'EMPTY', 'UNSET', 'NUMBER')
  return {
    reference: fc.oneof(
      name.map((variable) => `$${variable}`),
      name.map((variable) => `\${${variable}}`),
      fc
        .tuple(name, pieces(':-', '-', ':+', '+', ':?', '?'), tie('text'))
        .map(([variable, operator, argument]) => `\${${variable}${operator}${argument}}`),
    ),
    text: glued(
      fc.oneof(
        {
          weight: 2,
          arbitrary: pieces('a', 'b c', '-', ':', '$$', '.', '/', '"', "'", '{', '}', '\\', '#', '=', '?', '$'),
        },
        tie('reference'),
      ),
      4,
    ),
  }
}).text

const assignment = fc
  .tuple(
    pieces('A', 'B', 'C_1', 'd.e', 'SET'),
    pieces('=', ' = ', ': '),
    glued(
      pieces('x', 'y z', '#', ' #c', '"', "'", '\\n', '\\', '$A', `\${C:-d}`, '$$', '=', ':', '\t', 'é', '\\"', '\\$'),
      5,
    ),
  )
  .map((all) => all.join(''))
const line = fc.oneof(
  assignment,
  pieces('# c', '', 'export A=1', 'export B', 'SET', 'B="two\nlines"', "C='two\nlines'"),
)
const environmentFile = fc.array(line, { maxLength: 4 }).map((lines) => `${lines.join('\n')}\n`)

const number = pieces('1', '80', '8080', '65535', '80-82', '90-92', '1000-1001', '65536', '82-80')
const port = fc
  .tuple(
    pieces('', '127.0.0.1:', '[::1]:', '0.0.0.0:', 'localhost:', ':'),
    fc.option(
      number.map((published) => `${published}:`),
      { nil: '' },
    ),
    number,
    pieces('', '', '/tcp', '/udp', '/x'),
  )
  .map((all) => all.join(''))

const part = pieces(
  'data',
  './x',
  '../y',
  '~/z',
  '/abs',
  '/a/../b',
  '.',
  '/',
  'C:\\x',
  '/with space',
  'ro',
  'z',
  'nocopy',
  'ro,Z',
  '',
)
const mount = fc.array(part, { minLength: 1, maxLength: 4 }).map((all) => all.join(':'))

const commandLine = glued(
  pieces('a', 'b c', '"', "'", '\\', ' ', '\t', '|', '&', '>', '$$', '(', ')', '`', '#', '=', '--x'),
  6,
)

interface Form {
  readonly samples: fc.Arbitrary<string>
  /** A service that has the sample, and files it names. */
  readonly service: (sample: string, index: number) => object
  readonly file?: (index: number) => string
}

const forms: Readonly<Record<string, Form>> = {
  interpolation: { samples: template, service: (value) => ({ environment: { VALUE: value } }) },
  'environment files': {
    samples: environmentFile,
    service: (_, n) => ({ env_file: `${n}.env` }),
    file: (n) => `${n}.env`,
  },
  'raw environment files': {
    samples: environmentFile,
    service: (_, n) => ({ env_file: [{ path: `${n}.env`, format: 'raw' }] }),
    file: (n) => `${n}.env`,
  },
  ports: { samples: port, service: (text) => ({ ports: [text] }) },
  mounts: { samples: mount, service: (text) => ({ volumes: [text] }) },
  commands: { samples: commandLine, service: (text) => ({ command: text }) },
}

describeWith(['compose'], "forms of any shape, held against Docker's own Compose", () => {
  let directory = ''

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'compose-forms-'))
  })

  afterEach(() => rmSync(directory, { recursive: true }))

  it.each(Object.keys(forms))('%s are read, or refused, as it does', async (name) => {
    const form = forms[name]
    if (!form) throw new Error('no such form')
    await differ([...new Set(fc.sample(form.samples, { seed: 5, numRuns: 25 }))], form)
  })

  /** One question for many: what is refused as a whole is asked again by halves. */
  async function differ(samples: readonly string[], form: Form): Promise<void> {
    write(samples, form)
    const [theirs, ours] = [await composed(), read()]
    if (samples.length === 1 || (theirs && ours)) {
      expect(ours, JSON.stringify(samples)).toEqual(theirs)
      return
    }
    const half = samples.length >> 1
    await differ(samples.slice(0, half), form)
    await differ(samples.slice(half), form)
  }

  function write(samples: readonly string[], { service, file }: Form): void {
    const services = samples.map((sample, index) => [`s${index}`, { image: 'x', ...service(sample, index) }])
    const volumes = { data: null, ro: null, z: null, nocopy: null, 'ro,Z': null }
    writeFileSync(join(directory, 'compose.yaml'), JSON.stringify({ services: Object.fromEntries(services), volumes }))
    for (const [index, sample] of samples.entries()) if (file) writeFileSync(join(directory, file(index)), sample)
  }

  /** Services by name; undefined when the file is refused. */
  async function composed(): Promise<unknown> {
    const clean = Object.fromEntries(Object.keys(process.env).map((variable) => [variable, undefined]))
    const args = ['config', '--format', 'json']
    const { code, stdout } = await run(parts().compose.current, args, { cwd: directory, env: { ...clean, ...env } })
    return code === 0 ? JSON.parse(stdout).services : undefined
  }

  function read(): unknown {
    const home = process.env.HOME
    process.env.HOME = env.HOME
    try {
      return JSON.parse(printModel(openProject({ directory, env }).model(), 'json')).services
    } catch (thrown) {
      if (thrown instanceof StackError) return undefined
      throw thrown
    } finally {
      process.env.HOME = home
    }
  }
})

import { describe, expect, it } from 'vitest'
import { reactionsTo, watchRules } from '../../../compose/plan/reactions.ts'
import { modelOf } from '../model-of.ts'

/** What is done about a service when these files change. */
function reactions(develop: string, ...changed: string[]) {
  const model = modelOf(`services: { web: { image: x, develop: { watch: [${develop}] } } }`)
  const at = (path: string) => `${model.directory}/${path}`
  return reactionsTo(watchRules(model), changed.map(at)).map(({ files, paths, ...rest }) => ({
    ...rest,
    paths: paths.map((path) => path.slice(model.directory.length + 1)),
    targets: files.map(({ target }) => target),
  }))
}

const nothing = { rebuild: false, restart: false, execs: [], targets: [] }

describe('a file that changed', () => {
  it.each([
    ['{ path: ./src, action: restart }', { restart: true }],
    ['{ path: ./src, action: rebuild }', { rebuild: true }],
    ['{ path: ./src, action: sync, target: /app/src }', { targets: ['/app/src/a/b.ts'] }],
    ['{ path: ./src, action: sync+restart, target: /app/src }', { targets: ['/app/src/a/b.ts'], restart: true }],
    ['{ path: ./src/a/b.ts, action: sync, target: /app/b.ts }', { targets: ['/app/b.ts'] }],
  ])('means what %s says', (trigger, meant) => {
    expect(reactions(trigger, 'src/a/b.ts')).toEqual([{ ...nothing, service: 'web', paths: ['src/a/b.ts'], ...meant }])
  })

  it('means nothing elsewhere, where it is ignored, or where something else is included', () => {
    expect(reactions('{ path: ./src, action: restart }', 'srcs/a.ts', 'other')).toEqual([])
    expect(reactions('{ path: ., action: restart, ignore: [docs/, "*.md"] }', 'docs/a.ts', 'README.md')).toEqual([])
    expect(reactions('{ path: ., action: restart, include: ["**/*.ts"] }', 'a.css')).toEqual([])
    expect(reactions('{ path: ., action: restart }', 'node_modules/x/index.js', '.git/HEAD', 'a.ts~')).toEqual([])
  })

  it('is copied nowhere when the image is built again, which begins anew', () => {
    const triggers = '{ path: ./src, action: sync+restart, target: /app }, { path: ./package.json, action: rebuild }'
    expect(reactions(triggers, 'src/a.ts', 'package.json')).toEqual([
      { ...nothing, service: 'web', paths: ['src/a.ts', 'package.json'], rebuild: true },
    ])
  })
})

describe('a worker that says nothing', () => {
  const rules = (worker: string) => watchRules(modelOf(`services: { worker: { ${worker} } }`))
  const command = 'image: node, command: [celery-sandbox, worker]'

  it('is started again when its mounted program changes, and for nothing else', () => {
    const [rule] = rules(`${command}, volumes: [".:/app"]`)
    const meant = ['tasks/a.ts', 'app.js', 'tasks.py', 'a.test.ts', 'notes.md', 'node_modules/x/a.js', '.git/a.ts']
    expect(meant.filter((path) => rule?.isMeant(path))).toEqual(['tasks/a.ts', 'app.js', 'tasks.py'])
  })

  it('is not watched when nothing of this project is mounted', () => {
    expect(rules(command)).toEqual([])
    expect(rules(`${command}, volumes: ["/etc/ssl:/ssl"]`)).toEqual([])
  })
})

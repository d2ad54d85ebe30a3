import { describe, expect, it } from 'vitest'
import { baseImages, instructionsOf } from '../../../../../compose/engine/docker/build/dockerfile.ts'

describe('the instructions of a Dockerfile', () => {
  const lines = (text: string) => instructionsOf(text).map(({ line, keyword }) => `${line} ${keyword}`)

  it('are counted with their lines, comments and empty lines aside', () => {
    expect(lines('# a comment\n\nFROM debian\n\n# more\nrun make\n')).toEqual(['3 FROM', '6 RUN'])
  })

  it('go on after a backslash, also over a comment', () => {
    const text = 'FROM debian\nRUN apt-get update && \\\n  # why\n\n  apt-get install x\nUSER me\n'
    expect(lines(text)).toEqual(['1 FROM', '2 RUN', '6 USER'])
    expect(instructionsOf(text)[1]?.text).toBe('RUN apt-get update && apt-get install x')
  })

  it('go on after a backtick where the file says so', () => {
    expect(lines('# escape=`\nFROM windows\nRUN dir C:\\\nRUN a `\n b\n')).toEqual(['2 FROM', '3 RUN', '4 RUN'])
  })

  it('may have documents in them, which are no instructions', () => {
    expect(lines('FROM debian\nRUN <<EOF\nFROM here\nEOF\nCOPY <<"A" <<B /\nx\nA\ny\nB\nUSER me\n')).toEqual([
      '1 FROM',
      '2 RUN',
      '5 COPY',
      '10 USER',
    ])
  })
})

describe('the base images of a Dockerfile', () => {
  it('are those of its stages that are not stages themselves', () => {
    const text =
      'FROM --platform=linux/amd64 node:24 AS build\nFROM build\nFROM scratch\nFROM registry.local:5000/base\n'
    expect(baseImages(text)).toEqual(['node:24', 'registry.local:5000/base'])
  })

  it('may be named by arguments', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Dockerfiles write arguments so
    const text = 'ARG TAG=8\nARG BASE\nFROM redis:$TAG\nFROM ${BASE}\nFROM ${OTHER:-debian}\n'
    expect(baseImages(text, { BASE: 'node:24' })).toEqual(['redis:8', 'node:24', 'debian'])
    expect(baseImages(text, { TAG: '9' })).toEqual(['redis:9', 'debian'])
  })
})

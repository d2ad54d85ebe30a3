import { describe, expect, it } from 'vitest'
import { listForms, ShortFormError } from '../../../../compose/file/forms/short-forms.ts'

const { port, mount, device } = listForms

describe('a port', () => {
  it.each([
    ['3000', [{ target: 3000, protocol: 'tcp' }]],
    ['8080:80', [{ target: 80, published: '8080', protocol: 'tcp' }]],
    ['127.0.0.1:8080:80/udp', [{ host_ip: '127.0.0.1', target: 80, published: '8080', protocol: 'udp' }]],
    [':8080:80', [{ target: 80, published: '8080', protocol: 'tcp' }]],
    ['127.0.0.1::80', [{ host_ip: '127.0.0.1', target: 80, protocol: 'tcp' }]],
    ['[::1]:53:53', [{ host_ip: '::1', target: 53, published: '53', protocol: 'tcp' }]],
    ['8000-9000:80', [{ target: 80, published: '8000-9000', protocol: 'tcp' }]],
    [
      '7000-7001:8000-8001',
      [
        { target: 8000, published: '7000', protocol: 'tcp' },
        { target: 8001, published: '7001', protocol: 'tcp' },
      ],
    ],
  ])('%s is written out', (text, long) => {
    expect(port?.(text)).toEqual(long)
  })

  it.each(['', 'http', '1:2:3:4', '80/icmp', '1-2:3-5', '99999', 'host:80:80', '9-1', '[::1]:80'])(
    '%j is refused',
    (text) => {
      expect(() => port?.(text)).toThrow(ShortFormError)
    },
  )
})

describe('a mount', () => {
  it.each([
    ['data:/data', { type: 'volume', source: 'data', target: '/data', volume: {} }],
    ['/anonymous/', { type: 'volume', target: '/anonymous', volume: {} }],
    [
      './src:/app:ro',
      { type: 'bind', source: './src', target: '/app', read_only: true, bind: { create_host_path: true } },
    ],
    [
      '~/x:/x:rslave,Z',
      {
        type: 'bind',
        source: '~/x',
        target: '/x',
        bind: { selinux: 'Z', propagation: 'rslave', create_host_path: true },
      },
    ],
    ['data:/x:nocopy', { type: 'volume', source: 'data', target: '/x', volume: { nocopy: true } }],
    ['C:\\src:/app', { type: 'bind', source: 'C:\\src', target: '/app', bind: { create_host_path: true } }],
  ])('%s is written out', (text, long) => {
    expect(mount?.(text)).toEqual([long])
  })

  it.each(['data:', ':/x', 'data:/x:ro:rw'])('%j is refused', (text) => {
    expect(() => mount?.(text)).toThrow(ShortFormError)
  })
})

describe('a device', () => {
  it('is the same inside unless it says otherwise', () => {
    expect(device?.('/dev/a')).toEqual([{ source: '/dev/a', target: '/dev/a', permissions: 'rwm' }])
    expect(device?.('/dev/a:/dev/b:r')).toEqual([{ source: '/dev/a', target: '/dev/b', permissions: 'r' }])
    expect(() => device?.('a:b:c:d')).toThrow(ShortFormError)
  })
})

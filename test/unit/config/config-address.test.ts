import { describe, expect, it } from 'vitest'
import { readAddress } from '../../../core/registry-config/current-target.ts'

describe('where a registry with a faulty config.json would answer', () => {
  it.each([
    ['{"http":{"address":"10.0.0.7","port":"6001"},"unknown":1}', 'http://10.0.0.7:6001'],
    ['{"http":{"address":"0.0.0.0","port":"6001"},"unknown":1}', 'http://127.0.0.1:6001'],
    ['{"http":{"address":"","port":"6001"},"unknown":1}', 'http://127.0.0.1:6001'],
    ['{"http":{"address":"[::]","port":"6001"},"unknown":1}', 'http://127.0.0.1:6001'],
    ['{"http":{"address":":::","port":"6001"},"unknown":1}', 'http://127.0.0.1:6001'],
    ['{"http":{"port":6001,}', 'http://127.0.0.1:6001'],
    ['{"storage":{"x":1 "http" : {"address": "::1", "port" : "6001", "tls": {"cert":', 'https://[::1]:6001'],
    ['{"http":{"port":"70000"}}', undefined],
    ['{"extensions":{"port":"6001"}}', undefined],
    ['http:\n\taddress: 10.0.0.7\n  port: 6001\n', 'http://10.0.0.7:6001'],
    ['http:\r\n  port: "6001" # x\r\n  tls:\r\n    cert: [', 'https://127.0.0.1:6001'],
    ['x: http://a:1\nhttp: {port: 6001,\n', 'http://127.0.0.1:6001'],
    ['', undefined],
  ])('%s', (text, url) => {
    expect(readAddress(text)?.url).toBe(url)
  })
})

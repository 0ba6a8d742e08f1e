#!/usr/bin/env node
import { runBundle } from './pinned-node.mjs'

await runBundle('main/cli.mjs')

/**
 * node:http without what comes with `import`: an ES import reads every export, and one of them (WebSocket) loads all
 * of Node's built-in fetch. That costs a process 13 MB and 40 ms before its first request.
 */
export const { Agent, createServer, get, request } = process.getBuiltinModule('node:http')

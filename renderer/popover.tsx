import './ui/tokens.css'
import './ui/parts.css'
import './views/popover.css'
import './views/keys.css'
import { mount } from './views/page.tsx'
import { Popover } from './views/popover.tsx'

mount(Popover)

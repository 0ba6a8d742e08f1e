import './ui/tokens.css'
import './ui/parts.css'
import './views/window.css'
import './views/contents.css'
import './views/choice.css'
import './views/run.css'
import './views/keys.css'
import { mount } from './views/page.tsx'
import { Window } from './views/window.tsx'

mount(Window)

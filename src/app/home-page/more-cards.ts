/** The cards below the first one: fetched when they come near. */
import './picture-card.ts'
import './sound-card.ts'
import './text-card.ts'

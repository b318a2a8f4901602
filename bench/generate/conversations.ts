import type { ChatMessage } from '../../src/contracts/chat.ts'

const user = (content: string): ChatMessage => ({ role: 'user', content })
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content })
const system = (content: string): ChatMessage => ({ role: 'system', content })

/** Twenty conversations of several kinds: questions, tasks, turns, systems, code, other languages, odd characters. */
export const conversations: readonly (readonly ChatMessage[])[] = [
  [user('What is the capital of France?')],
  [user('Explain gravity to a child in two sentences.')],
  [user('Write a short story about a dog that finds a key.')],
  [system('You answer in one word.'), user('What colour is the sky on a clear day?')],
  [system('You are a pirate.'), user('How do I boil an egg?')],
  [user('List three uses of a paper clip.')],
  [user('Hello!'), assistant('Hello! How can I help you today?'), user('Tell me about the moon.')],
  [user('My name is Ada.'), assistant('Nice to meet you, Ada.'), user('What is my name?')],
  [user('Write a Python function that reverses a list.')],
  [user('```js\nconst a = [1, 2, 3]\n```\nWhat does this code do?')],
  [user('Summarize: The cat sat on the mat. The mat was red. The cat was happy.')],
  [user('Rewrite this politely: give me the report now.')],
  [user('What is 12 + 30? Answer with the number.')],
  [user('Translate "good morning" into French.')],
  [user('¿Cuál es la capital de España?')],
  [user('你好，请介绍一下你自己。')],
  [user('Give me a recipe 🍝 with tomatoes, garlic & basil.')],
  [user('e\u0301 and é look alike.\n\n\tWhy?  ')],
  [user('Why is the sea salty?'), assistant('Because rivers carry salt into it.'), user('And lakes?')],
  [user('Once upon a time, in a land far away,')],
]
/** Tokens that are written to each. */
export const newTokens = 64

const towns = ['Bern', 'Oslo', 'Lima', 'Kyoto', 'Turin', 'Quito', 'Perth', 'Lagos', 'Dakar', 'Porto', 'Minsk', 'Hanoi']
const trades = ['baker', 'sailor', 'teacher', 'painter', 'farmer', 'doctor', 'singer', 'weaver']

/**
 * The beginning of a story of about 100 tokens. Each number has another one, which differs from its first words on: no
 * server has read any of it before.
 */
export function storyOf(number: number): string {
  const town = towns[number % towns.length]
  const trade = trades[Math.floor(number / towns.length) % trades.length]
  return [
    `Chapter ${number}. In ${town}, where the river meets the old road, there lived a ${trade} who had two children and a`,
    'small grey dog. Every morning, before the sun was up, the three of them went down to the market to buy bread, milk',
    'and apples, and on the way they told each other what they had dreamed. One day in spring, when the snow had gone',
    'from the hills, the dog stopped in front of a green door that none of them had ever seen before, and began to bark.',
  ].join(' ')
}

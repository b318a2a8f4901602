/** What runs spend beside time: the fields of an `ArmPrice` that have budgets. */
export const resources = ['money', 'energyJ', 'dataBytes'] as const

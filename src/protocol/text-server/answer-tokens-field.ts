/**
 * Field of a request to a Hither endpoint: so many of the prompt's last ids are the beginning of the answer. The rest is
 * then what it would have been: penalties, stop strings, `max_tokens` and the seed's place count over the whole answer.
 */
export const answerTokensField = 'hither_answer_tokens'

/** How a token is chosen from the model's logits. */
export interface Sampling {
  /** 0 takes the likeliest token always; 1 samples as the model says; more flattens, less sharpens. */
  readonly temperature: number
  /** Only so many of the likeliest tokens; 0: all. */
  readonly topK: number
  /** Only the likeliest tokens that have this share of the probability together; 1: all. */
  readonly topP: number
  /** Only tokens with at least this share of the likeliest one's probability; 0: all. */
  readonly minP: number
  /** Divides the logits (multiplies those below 0) of tokens of prompt and answer (Keskar et al. 2019, CTRL); 1: none. */
  readonly repetitionPenalty: number
  /** Taken off the logit of tokens that the answer has, once each. */
  readonly presencePenalty: number
  /** Taken off the logit of tokens that the answer has, once for each time. */
  readonly frequencyPenalty: number
  readonly seed: number
}

/** Where neither who asks nor the model's maker says; the seed is to be drawn. */
export const defaultSampling: Omit<Sampling, 'seed'> = {
  temperature: 0.7,
  topK: 0,
  topP: 0.95,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
}

/** The likeliest token always. */
export const greedy: Sampling = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 0,
}

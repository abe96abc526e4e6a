"""Arrays of people, sites and walks -> the best sites, a bound on all others, and the gap between the two.

What to read first: `problem` (what is asked), `answers` (what is told), then one module per question: `covering`,
`median`, `capacitated`, `equity`, `closing`. `savings` is how most of them are solved: `greedy`, better by `exchange`,
bounded by `lagrange`, settled by `highs` on places that `merging` has joined.
"""

"""Values and mechanisms that every package uses: findings, budgets, time, cancellation."""

"""Review: publishing a draft, a second person's eyes where the community asks for them, and taking a piece back."""

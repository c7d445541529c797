"""How well questions about documents are answered: question sets, what counts as right, figures. Arithmetic only."""

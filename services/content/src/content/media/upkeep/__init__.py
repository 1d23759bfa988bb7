"""What becomes of uploads by themselves: collected when nobody needs them, erased with the person, swept after crashes."""

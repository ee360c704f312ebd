"""The languages of contracts do what their definitions say."""
